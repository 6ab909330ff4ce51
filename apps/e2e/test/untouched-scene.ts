import { closeAgents } from '../src/http.ts';
import { type Scene, setScene } from '../src/scene.ts';
import { System } from '../src/system.ts';
import { NO_CHANGES, Untouched } from '../src/untouched.ts';

/**
 * A scene for the tests of one file, which send bad things to it. After each of them it holds that nothing was stored, nothing crashed, and
 * nobody had to write an error into a log.
 */
export function untouchedScene(): { system: System; scene: Scene; untouched: Untouched } {
  const here = {} as ReturnType<typeof untouchedScene>;
  beforeAll(async () => {
    here.system = new System();
    here.scene = await setScene(here.system);
  });
  beforeEach(async () => void (here.untouched = await Untouched.watch(here.system)));
  afterEach(async () => expect(await here.untouched.changes()).toEqual(NO_CHANGES));
  afterAll(async () => {
    await here.system.close();
    closeAgents();
  });
  return here;
}
