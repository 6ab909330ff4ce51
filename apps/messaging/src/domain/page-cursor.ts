import * as z from 'zod';
import { ConversationId } from '@rialto/contracts';

/** Where a page of conversations ended: the activity and the id of its last one. */
export const PageCursor = z.tuple([z.int().min(0).max(8_640_000_000_000_000), ConversationId]);
export type PageCursor = z.infer<typeof PageCursor>;

/** Opaque to callers: what is in it may change with any version. */
export const encodeCursor = (cursor: PageCursor): string =>
  btoa(JSON.stringify(cursor)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');

/** Undefined for a text that no page ended with. */
export function decodeCursor(text: string): PageCursor | undefined {
  try {
    const parsed = PageCursor.safeParse(JSON.parse(atob(text.replaceAll('-', '+').replaceAll('_', '/'))));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined; // not base64 or not JSON: the caller refuses it
  }
}
