import type { Message } from "../base/types.ts";

export function Road({ message }: { message: Message }) {
  return <p class="quiet">{message.id}</p>;
}
