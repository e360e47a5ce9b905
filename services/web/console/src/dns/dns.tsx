/** The view DNS: why mail goes where it goes, and the zones as the name server has them. */

import { useState } from "preact/hooks";
import { api } from "../base/api.ts";
import { count } from "../base/format.ts";
import { useLoaded } from "../base/load.ts";
import { place, world } from "../base/place.ts";
import { CopyButton, Empty, Go } from "../base/ui.tsx";
import { Explain } from "./explain.tsx";
import { read, type Zone } from "./records.ts";

export default function Dns() {
  const [what, apex] = place.value.path;
  const zones = useLoaded((signal) => api.get<{ zones: readonly Zone[] }>("zones", {}, signal), [world.value]);
  const named = [...(zones.value?.zones ?? [])].sort((zone, other) => rank(zone.apex) - rank(other.apex) || zone.apex.localeCompare(other.apex));
  return (
    <div class="page columns dns">
      <section class="column" aria-label="Zones">
        <ul class="choices">
          <li>
            <Go to={{ view: "dns" }} class={what === undefined || what === "explain" ? "on" : undefined} data-test="explain-open">
              <span class="name">Where does mail go?</span>
            </Go>
          </li>
        </ul>
        <ul class="choices">
          <li>
            <Go to={{ view: "sessions", query: { protocol: "dns" } }} data-test="queries">
              <span class="name">Queries, live</span>
            </Go>
          </li>
        </ul>
        <h3>Zones</h3>
        {zones.error !== null && <p class="problem">{zones.error}</p>}
        <ul class="choices">
          {named.map((zone) => (
            <li key={zone.apex}>
              <Go to={{ view: "dns", path: ["zone", zone.apex] }} class={what === "zone" && apex === zone.apex ? "on" : undefined} data-test="zone">
                <span class="name">{zone.apex === "." ? ". (the root)" : zone.apex.replace(/\.$/, "")}</span>
                <span class="count">{zone.records}</span>
              </Go>
            </li>
          ))}
        </ul>
      </section>
      {what === "zone" && apex !== undefined ? <ZoneView key={apex} apex={apex} serial={named.find((zone) => zone.apex === apex)?.serial ?? null} /> : <Explain />}
    </div>
  );
}

/** Forward zones come first, then the reverse ones, then the root. */
function rank(apex: string): number {
  return apex === "." ? 2 : apex.replace(/\.$/, "").endsWith(".arpa") ? 1 : 0;
}

function ZoneView({ apex, serial }: { apex: string; serial: number | null }) {
  const [wanted, setWanted] = useState("");
  const zone = useLoaded((signal) => api.get<{ records: readonly string[] }>(["zones", apex], {}, signal), [apex]);
  const records = (zone.value?.records ?? []).map(read);
  const low = wanted.toLowerCase();
  const shown = records.filter(({ line }) => line.toLowerCase().includes(low)).slice(0, 1000);
  if (zone.error !== null) {
    return (
      <Empty icon="alert" title="The zone can't be had">
        <p>{zone.error}</p>
      </Empty>
    );
  }
  return (
    <section class="content" aria-label={apex}>
      <header>
        <h1>
          {apex === "." ? "The root" : apex.replace(/\.$/, "")}
          <small>
            {count(records.length, "record")}
            {serial !== null && `, serial ${serial}`}
          </small>
        </h1>
        <input class="small" placeholder="Filter …" aria-label="Filter the records" value={wanted} onInput={(event) => setWanted(event.currentTarget.value)} data-test="records-filter" />
        <CopyButton text={records.map(({ line }) => line).join("\n")} label="Copy the zone" test="zone-copy" />
      </header>
      <div class="scrolled">
        <table class="grid records" data-test="records">
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col" class="number">TTL</th>
              <th scope="col">Type</th>
              <th scope="col">Data</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((record, index) => (
              <tr key={index}>
                <td class="mono">{record.name}</td>
                <td class="number">{record.ttl}</td>
                <td>
                  <strong>{record.type}</strong>
                </td>
                <td class="mono address">{record.data}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {records.length > 1000 && shown.length === 1000 && <p class="quiet">The first 1,000 are shown.</p>}
    </section>
  );
}
