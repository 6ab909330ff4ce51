/** The kinds of value that Stripe's form parameters hold, as schemas that read text. */
import * as z from 'zod';

/** Limits that docs.stripe.com/api/metadata and the amounts page give. */
export const PARAMETER_LIMITS = {
  textLength: 5_000,
  metadataKeys: 50,
  metadataKeyLength: 40,
  metadataValueLength: 500,
  amountMinor: 99_999_999,
  expandPaths: 20,
  listItems: 100,
} as const;

const nonEmpty =
  'You passed an empty string. We assume empty values are an attempt to unset a parameter; however it cannot be unset.';

/** Text that is there. */
export const text = z
  .string({ error: 'Invalid string' })
  .max(PARAMETER_LIMITS.textLength, { error: 'Invalid string: too long' })
  .refine((value) => value !== '', { params: { code: 'parameter_invalid_empty' }, error: nonEmpty, abort: true });

/** An integer within bounds, written in decimal. */
export function integer(minimum: number, maximum: number) {
  return z.string({ error: 'Invalid integer' }).transform((value, context) => {
    const number = Number(value);
    const isInteger = /^-?\d{1,15}$/.test(value);
    if (isInteger && number >= minimum && number <= maximum) return number;
    const message = !isInteger
      ? `Invalid integer: ${value}`
      : number < minimum
        ? `This value must be greater than or equal to ${minimum}.`
        : `This value must be less than or equal to ${maximum}.`;
    context.addIssue({ code: 'custom', message, params: isInteger ? {} : { code: 'parameter_invalid_integer' } });
    return z.NEVER;
  });
}

/** An amount in minor units. */
export const amountMinor = integer(1, PARAMETER_LIMITS.amountMinor);

/** Seconds since 1970. */
export const timestamp = integer(0, 99_999_999_999);

export const boolean = z.enum(['true', 'false'], { error: 'Invalid boolean' }).transform((value) => value === 'true');

/** One of the named words. */
export function word<const T extends readonly [string, ...string[]]>(words: T) {
  return z.enum(words, { error: `Invalid value: must be one of ${words.join(', ')}` });
}

export const currency = text
  .transform((value) => value.toLowerCase())
  .pipe(z.string().regex(/^[a-z]{3}$/, { error: 'Invalid currency' }));

export const url = text.refine((value) => /^https?:\/\//.test(value) && URL.canParse(value.replaceAll(/[{}]/g, '')), {
  params: { code: 'url_invalid' },
  error: 'Not a valid URL',
});

export const email = text.refine((value) => /^[^@\s]+@[^@\s]+$/.test(value), {
  params: { code: 'email_invalid' },
  error: 'Invalid email address',
});

/** A list: `a[0]`, `a[1]` or `a[]`. */
export function list<T extends z.ZodType>(item: T) {
  return z.preprocess(
    (value) => {
      if (typeof value !== 'object' || value === null) return value;
      const names = Object.keys(value);
      return names.every((name) => /^\d+$/.test(name)) ? Object.values(value) : value;
    },
    z.array(item, { error: 'Invalid array' }).max(PARAMETER_LIMITS.listItems, { error: 'Array too long' }),
  );
}

/** Metadata as sent: an empty value asks to delete its key, an empty string in place of the object deletes all. */
export const metadata = z.union(
  [
    z.literal(''),
    z
      .record(z.string().max(PARAMETER_LIMITS.metadataKeyLength), z.string().max(PARAMETER_LIMITS.metadataValueLength))
      .refine((value) => Object.keys(value).length <= PARAMETER_LIMITS.metadataKeys),
  ],
  { error: 'Invalid metadata: at most 50 keys of up to 40 characters, with values of up to 500 characters.' },
);

export type MetadataParameter = z.output<typeof metadata>;

/** Metadata after a create or an update with `change`. */
export function mergeMetadata(current: Record<string, string>, change: MetadataParameter | undefined): Record<string, string> {
  if (change === '') return {};
  return Object.fromEntries(Object.entries({ ...current, ...change }).filter(([, value]) => value !== ''));
}

/** Every call takes `expand`. */
export const expandable = { expand: list(text).optional() };

/** A range over `created`, or an exact time. */
export const createdRange = z
  .union([
    timestamp.transform((at) => ({ gte: at, lte: at })),
    z.strictObject({ gt: timestamp.optional(), gte: timestamp.optional(), lt: timestamp.optional(), lte: timestamp.optional() }),
  ])
  .optional();

/** Every list takes these. */
export const paging = {
  limit: integer(1, 100).optional(),
  starting_after: text.optional(),
  ending_before: text.optional(),
  ...expandable,
};
