/** The view dns. */

import { Empty } from "../base/ui.tsx";

export default function View() {
  return (
    <Empty icon="alert" title="Not here yet" />
  );
}
