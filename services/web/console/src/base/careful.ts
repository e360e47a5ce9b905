/** Names and addresses that want to be taken for others, written so that they can't be. Pure.
 *
 * Whoever writes a mail chooses what its header says: characters that turn the direction of writing round, that have no
 * width, that look like others. The console shows the first two by their numbers and points the third out.
 */

// Unicode's Bidi_Control, the tags, what has no width, and controls.
const UNSEEN =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|\udb40[\udc00-\udc7f]/g;

export interface Piece {
  readonly text: string;
  /** Whether it stands for a character that can't be seen. */
  readonly marked: boolean;
}

/** Cut a text into pieces; characters that can't be seen are pieces that name them, such as `U+202E`. */
export function pieces(text: string): readonly Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  for (const match of text.matchAll(UNSEEN)) {
    if (match.index > at) pieces.push({ text: text.slice(at, match.index), marked: false });
    pieces.push({ text: named(match[0]), marked: true });
    at = match.index + match[0].length;
  }
  if (at < text.length || pieces.length === 0) pieces.push({ text: text.slice(at), marked: false });
  return pieces;
}

/** The same as one text, for titles and labels. */
export function plain(text: string): string {
  return text.replace(UNSEEN, (character) => `⟨${named(character)}⟩`);
}

function named(character: string): string {
  const point = character.codePointAt(0) ?? 0;
  return `U+${point.toString(16).toUpperCase().padStart(4, "0")}`;
}

const SCRIPTS = ["Latin", "Cyrillic", "Greek", "Armenian", "Cherokee", "Hebrew", "Arabic"].map(
  (name) => [name, new RegExp(`\\p{Script=${name}}`, "u")] as const,
);

/** Say what is odd about an address, or return null: labels of several scripts, and names that hold another address. */
export function suspicion(name: string, address: string): string | null {
  const claimed = /[^\s<>"'(),;:]+@[^\s<>"'(),;:]+\.[^\s<>"'(),;:]+/.exec(name)?.[0];
  if (claimed && claimed.toLowerCase() !== address.toLowerCase()) return `The name has another address than the real one, ${address}`;
  for (const label of address.slice(address.lastIndexOf("@") + 1).split(".")) {
    const scripts = SCRIPTS.filter(([, of]) => of.test(label)).map(([script]) => script);
    if (scripts.length > 1) return `${plain(label)} mixes ${scripts.join(" and ")} letters`;
    const [only] = scripts;
    if (only && only !== "Latin") return `${plain(label)} is in ${only} letters`;
    if (label.toLowerCase().startsWith("xn--")) return `${label} stands for letters outside ASCII`;
  }
  return null;
}
