import { ERRORS, type ErrorCode, type Service } from '@rialto/contracts';
import { idOf } from '@rialto/service';
import { escapeHtml, page } from './page.ts';

type Json = Readonly<Record<string, unknown>>;
interface Described {
  readonly operationId: string;
  readonly summary: string;
  readonly tags: readonly string[];
  readonly security: readonly unknown[];
  readonly parameters: readonly {
    readonly name: string;
    readonly in: string;
    readonly required: boolean;
    readonly schema: Json;
  }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Json }>> };
  readonly responses: Readonly<
    Record<string, { readonly description: string; readonly content: Readonly<Record<string, { readonly schema: Json }>> }>
  >;
}

const code = (text: string) => `<code>${escapeHtml(text)}</code>`;
const json = (value: unknown) => `<pre tabindex="0"><code>${escapeHtml(JSON.stringify(value, undefined, 2))}</code></pre>`;
/** Backquotes as in the contracts' own texts. */
const prose = (text: string) => escapeHtml(text).replaceAll(/`([^`]+)`/g, '<code>$1</code>');

/** A box that scrolls sideways on a narrow screen. It takes the focus, or the keyboard could not scroll it (WCAG 2.1.1). */
const scrolling = (name: string, table: string) =>
  `<div class="scroll" tabindex="0" role="group" aria-label="${name}">${table}</div>`;

/** The reference as one page, made from the OpenAPI document that it shows. */
export function referencePage(document: Json, services: readonly Service[]): string {
  const paths = document['paths'] as Readonly<Record<string, Readonly<Record<string, Described>>>>;
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, described]) => ({ method: method.toUpperCase(), path, described })),
  );
  const links = services.map(({ name }) => `<li><a href="#${name}">${name}</a></li>`).join('');
  const section = (service: Service) => {
    const own = operations.filter(({ described }) => described.tags.includes(service.name));
    return `<section id="${service.name}"><h2>${service.name}</h2>
${own.map(({ method, path, described }) => operationHtml(method, path, described)).join('\n')}
${eventsHtml(service)}</section>`;
  };
  return page(
    'Rialto API',
    `<h1>Rialto API</h1>
<p>Every operation over HTTP; the same operations, by their names, in <code>call</code> frames of the socket at <code>/v1/socket</code>.
Errors are <a href="/docs/errors">one table</a>. For machines: <a href="/openapi.json">OpenAPI 3.1</a>, <a href="/asyncapi.json">AsyncAPI 3</a>.</p>
<nav aria-label="Services"><ul>${links}</ul></nav>
${services.map(section).join('\n')}`,
  );
}

function operationHtml(
  method: string,
  path: string,
  { operationId, summary, security, parameters, requestBody, responses }: Described,
): string {
  const rows = parameters.map(
    ({ name, in: place, required, schema }) =>
      `<tr><td>${code(name)}</td><td>${place}${required ? '' : ', optional'}</td><td>${code(JSON.stringify(schema))}</td></tr>`,
  );
  const table = rows.length === 0 ? '' : `<h4>Parameters</h4>${scrolling('Parameters', `<table>${rows.join('')}</table>`)}`;
  const body = requestBody?.content['application/json']?.schema;
  const output = responses['200']?.content['application/json']?.schema;
  const failures = Object.entries(responses).filter(([status]) => status !== '200');
  const errors = failures
    .map(([status, { description }]) => `<tr><td>${status}</td><td>${prose(description)}</td></tr>`)
    .join('');
  return `<details id="${operationId}"><summary><h3><span class="method">${method}</span> ${code(path)}</h3> <span class="muted">${prose(summary)}</span></summary>
<p>${code(operationId)}${security.length === 0 ? ' needs no session.' : ' needs a session.'}</p>
${table}${body === undefined ? '' : `<h4>Body</h4>${json(body)}`}<h4>Answer</h4>${json(output)}<h4>Errors</h4>${scrolling('Errors', `<table>${errors}</table>`)}</details>`;
}

function eventsHtml({ events }: Service): string {
  const rows = Object.values(events).map(
    (event) => `<tr><td>${code(idOf(event))}</td><td>${prose(event.summary)}</td><td>${event.audience}</td></tr>`,
  );
  return rows.length === 0 ? '' : `<h3>Events</h3>${scrolling('Events', `<table>${rows.join('')}</table>`)}`;
}

/** Where `type` and `docUrl` of every problem lead. */
export function errorsPage(): string {
  const row = ([name, { status, retryable, meaning }]: [string, (typeof ERRORS)[ErrorCode]]) =>
    `<tr id="${name}"><td>${code(name)}</td><td>${status}</td><td>${retryable ? 'yes' : 'no'}</td><td>${prose(meaning)}</td></tr>`;
  const rows = (Object.entries(ERRORS) as [string, (typeof ERRORS)[ErrorCode]][]).map(row).join('\n');
  const columns = ['Code', 'HTTP', 'Repeat it', 'Meaning'].map((name) => `<th scope="col">${name}</th>`);
  const head = `<tr>${columns.join('')}</tr>`;
  return page(
    'Rialto errors',
    `<h1>Errors</h1>
<p>Every error carries its code, over HTTP (RFC 9457) and on the socket. <a href="/docs">Back to the reference</a></p>
${scrolling('Errors', `<table><thead>${head}</thead><tbody>\n${rows}\n</tbody></table>`)}`,
  );
}
