/** What the runner of the tests tells them; the only place here that reads the environment. */
const variables = process.env;

/** The JSON file that always says what runs where. */
export const systemFile = variables['RIALTO_E2E_SYSTEM'];
/** Repeats a random test that failed: it prints its seed. */
export const seedText = variables['RIALTO_SEED'];
