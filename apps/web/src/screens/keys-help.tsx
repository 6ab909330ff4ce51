import { Sheet } from '../parts/sheet.tsx';
import './keys-help.css';

const isApple = /Mac|iP(?:hone|ad)/.test(navigator.platform);
const KEYS: readonly { keys: readonly string[]; what: string }[] = [
  { keys: [isApple ? '⌘' : 'Ctrl', 'K'], what: 'Go to a chat, or find somebody' },
  { keys: ['↑', '↓'], what: 'Move through the chats' },
  { keys: ['Home', 'End'], what: 'To the first chat, to the last' },
  { keys: ['Enter'], what: 'Open the chat; send what is written' },
  { keys: ['Shift', 'Enter'], what: 'Begin a new line' },
  { keys: ['Esc'], what: 'Close what is open, give up a reply' },
  { keys: ['?'], what: 'Show these shortcuts' },
];

/** What the keyboard does. Not “keys”: in this client those are something else. */
export default function KeysSheet({ onClose }: { onClose: () => void }) {
  return (
    <Sheet title="Keyboard shortcuts" onClose={onClose}>
      <dl className="keys">
        {KEYS.map(({ keys, what }) => (
          <div key={what}>
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </Sheet>
  );
}
