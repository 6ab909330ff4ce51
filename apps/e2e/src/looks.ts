import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { Page } from 'playwright-core';

const require = createRequire(path.join(process.cwd(), 'apps/e2e/package.json'));
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** What is used here of a page, whose own types only the web client is compiled with. */
interface Box {
  readonly scrollWidth: number;
  readonly clientWidth: number;
}
interface Animated {
  readonly finished: Promise<unknown>;
  readonly effect: { getComputedTiming(): { readonly endTime?: unknown } } | null;
}
interface InPage {
  readonly document: {
    readonly documentElement: Box;
    querySelectorAll(selector: string): Iterable<Box>;
    getAnimations(): readonly Animated[];
  };
  requestAnimationFrame(run: () => void): void;
}

const WIDTHS = [1280, 320] as const;
const HEIGHTS = { 1280: 800, 320: 640 } as const;

/**
 * What axe finds by WCAG 2.2 A and AA, and by how much the page is wider than the screen. The script comes through the debugger, so the
 * page's policy stays as strict as it is.
 */
export async function findings(page: Page, screen: string): Promise<string[]> {
  await page.evaluate(axe);
  const violations = await page.evaluate(async (tags) => {
    const { axe } = globalThis as unknown as {
      axe: { run(options: object): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
    };
    const { violations } = await axe.run({ runOnly: { type: 'tag', values: tags } });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`);
  }, TAGS);
  const overflow = await page.evaluate(() => {
    const { document } = globalThis as unknown as InPage;
    const places = [document.documentElement, ...document.querySelectorAll('dialog[open]')];
    return places.map((each) => each.scrollWidth - each.clientWidth);
  });
  for (const pixels of overflow) if (pixels > 0) violations.push(`${pixels} px wider than the screen, or than the sheet`);
  return violations.map((violation) => `${screen}: ${violation}`);
}

/** The same light and dark, on a wide screen and on the smallest phone. Afterwards the page is as large as before, and light. */
export async function findingsInAllLooks(page: Page, screen: string): Promise<string[]> {
  const before = page.viewportSize();
  const found: string[] = [];
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: HEIGHTS[width] });
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      await settled(page);
      found.push(...(await findings(page, `${screen}, ${width} px, ${colorScheme}`)));
      await photograph(page, `${screen}-${width}-${colorScheme}`);
    }
  }
  await page.emulateMedia({ colorScheme: 'light' });
  if (before) await page.setViewportSize(before);
  return found;
}

/** Colours of another theme come with the next frame, some of them by a transition. */
const settled = (page: Page): Promise<void> =>
  page.evaluate(async () => {
    const { document, requestAnimationFrame } = globalThis as unknown as InPage;
    for (let frame = 0; frame < 2; frame += 1) await new Promise<void>((resolve) => requestAnimationFrame(resolve));
    const ends = document.getAnimations().filter((each) => each.effect?.getComputedTiming().endTime !== Infinity);
    await Promise.allSettled(ends.map(({ finished }) => finished));
  });

/** A picture for the eye, when RIALTO_SCREENS names a folder. */
export async function photograph(page: Page, name: string): Promise<void> {
  const folder = process.env.RIALTO_SCREENS;
  if (folder) await page.screenshot({ path: path.join(folder, `${name.replaceAll(/[^\w-]+/g, '-')}.png`) });
}
