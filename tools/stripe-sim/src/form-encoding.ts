import { invalidRequest } from './errors.ts';

/** A decoded parameter: text, or names inside brackets. Lists stay objects with numeric names until a schema asks for a list. */
export interface FormTree {
  [name: string]: string | FormTree;
}

/** More than our requests ever need, and little enough to refuse a flood. */
const FORM_LIMITS = { pairs: 1_000, depth: 8 } as const;

/**
 * Decodes `application/x-www-form-urlencoded` with Stripe's brackets: `a[b][0]=x`, `a[]=x`.
 * Objects have no prototype, so a parameter called `__proto__` is only a name.
 * @throws {StripeProblem} on brackets that do not close, contradictory shapes, or more than FORM_LIMITS.
 */
export function decodeForm(text: string): FormTree {
  const root = emptyTree();
  let pairs = 0;
  for (const [name, value] of new URLSearchParams(text)) {
    pairs += 1;
    if (pairs > FORM_LIMITS.pairs) throw invalidRequest('Too many parameters.', {}, false);
    place(root, splitName(name), value, name);
  }
  return root;
}

function emptyTree(): FormTree {
  return Object.create(null) as FormTree;
}

function splitName(name: string): string[] {
  const match = /^([^[\]]+)((?:\[[^[\]]*\])*)$/.exec(name);
  if (!match) throw invalidRequest(`Invalid parameter name: ${name}`, { param: name }, false);
  const inner = [...(match[2] ?? '').matchAll(/\[([^[\]]*)\]/g)].map((part) => part[1] ?? '');
  if (inner.length >= FORM_LIMITS.depth) throw invalidRequest('Parameters are nested too deeply.', { param: name }, false);
  return [match[1] ?? '', ...inner];
}

function place(root: FormTree, path: readonly string[], value: string, name: string): void {
  let tree = root;
  for (const [index, part] of path.entries()) {
    const key = part === '' ? String(Object.keys(tree).length) : part;
    const existing = tree[key];
    if (index === path.length - 1) {
      if (typeof existing === 'object') throw invalidRequest(`Invalid object: ${name}`, { param: name }, false);
      tree[key] = value;
      return;
    }
    if (typeof existing === 'string') throw invalidRequest(`Invalid object: ${name}`, { param: name }, false);
    tree = existing ?? (tree[key] = emptyTree());
  }
}
