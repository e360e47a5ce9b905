/** Whether HTML refers to what lies elsewhere. Pure; bounded, whatever the HTML is. */

const LOOKED_AT = 400_000; // characters
// An attribute that a browser loads something from, except links to follow; and what CSS loads.
const LOADS = /(?:\b(?:src|srcset|background|poster|data|xlink:href)\s{0,20}=\s{0,20}["']?|url\(\s{0,20}["']?|@import\s{1,20}["'])\s{0,20}(?:https?:)?\/\//i;
const SHEET = /<(?:link|image|use|feimage)\b[^<>]{0,2000}href\s{0,20}=\s{0,20}["']?\s{0,20}(?:https?:)?\/\//i;

export function hasRemote(html: string): boolean {
  const some = html.slice(0, LOOKED_AT);
  return LOADS.test(some) || SHEET.test(some);
}
