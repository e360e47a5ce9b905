/** Starts the console. */

import "./styles/base.css";
import "./styles/frame.css";
import "./styles/parts.css";
import "./styles/list.css";
import "./styles/message.css";
import "./styles/views.css";
import "./styles/sessions.css";
import { render } from "preact";
import { App } from "./app.tsx";
import { start } from "./base/events.ts";
import { begin } from "./mail/store.ts";
import "./base/theme.ts";

start();
begin();
const root = document.getElementById("app");
if (root) render(<App />, root);
