type NotesOn = (facts: object) => { simulated: string[]; off: string[] };

test.each([
  [undefined, 'no card is charged'],
  ['sk_test_12345678', 'a test key'],
  ['rk_test_12345678', 'a test key'],
  ['sk_live_12345678', undefined],
])('with the key %s the start says what the money is', async (key, said) => {
  const file = './notes.mjs'; // Plain JavaScript without types of its own.
  const { notesOn } = (await import(file)) as { notesOn: NotesOn };
  const { simulated } = notesOn({ env: { RIALTO_STRIPE_KEY: key }, turn: {}, webDir: '/web' });
  expect(simulated).toEqual(said === undefined ? [] : [expect.stringMatching(`^Money is simulated: .*${said}`)]);
});
