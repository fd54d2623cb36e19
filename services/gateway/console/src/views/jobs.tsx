// Jobs: the newest first, those of a pattern, a state, a tenant or a time, and by id.

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ask, Refusal } from "../api/client";
import { byGateway } from "../api/clock";
import type { JobPage, JobState, JobSummary } from "../api/schema";
import { useAsked } from "../api/use";
import { Choice } from "../parts/choice";
import { Pages } from "../parts/pages";
import { Refused } from "../parts/result";
import { duration, moment } from "../parts/words";
import { go, href, type Place } from "../router";
import "../styles/jobs.css";

const STATES = ["queued", "running", "waiting", "completed", "failed", "cancelled"];
const TIMES: [string, string][] = [
  ["", "any time"],
  ["900", "last 15 minutes"],
  ["3600", "last hour"],
  ["86400", "last day"],
];
const FILTERS = ["pattern", "status", "tenant", "within"] as const;
/** Milliseconds between two looks at a page. */
const EVERY = 2_000;

export function Jobs({ at }: { at: Place }): JSX.Element {
  const chosen = Object.fromEntries(FILTERS.map((name) => [name, at.query.get(name) ?? ""])) as Record<(typeof FILTERS)[number], string>;
  const [cursors, setCursors] = useState<string[]>([]);
  const [since, setSince] = useState("");
  const patterns = useAsked<Record<string, string>>("/patterns");
  // with the first answer the gateway's clock is known
  const answered = Boolean(patterns.value ?? patterns.error);
  useEffect(() => {
    setCursors([]);
    setSince(chosen.within && answered ? String(Math.floor(byGateway() / 1000) - Number(chosen.within)) : "");
  }, [at.query.toString(), answered]);
  const asked = new URLSearchParams({ limit: "50" });
  const given = { pattern: chosen.pattern, status: chosen.status, tenant: chosen.tenant, since, cursor: cursors.at(-1) ?? "" };
  for (const [name, value] of Object.entries(given)) if (value) asked.set(name, value);
  const { value, error, again } = useAsked<JobPage>(chosen.within && !since ? null : `/jobs?${asked}`, EVERY);
  const set = (name: string, to: string) => {
    const query = new URLSearchParams(at.query);
    if (to) query.set(name, to);
    else query.delete(name);
    go(`#/jobs${query.size ? `?${query}` : ""}`, { replace: true });
  };
  const byTenant = value?.jobs.some((job) => job.tenant) || chosen.tenant;
  return (
    <>
      <h1 class="hidden">Jobs</h1>
      <form class="filters" role="search" onSubmit={(event) => event.preventDefault()}>
        <Choice name="Pattern" value={chosen.pattern} options={[["", "any"], ...Object.keys(patterns.value ?? {}).map((one): [string, string] => [one, one])]} changed={(to) => set("pattern", to)} />
        <Choice name="State" value={chosen.status} options={[["", "any"], ...STATES.map((one): [string, string] => [one, one])]} changed={(to) => set("status", to)} />
        <Choice name="Submitted" value={chosen.within} options={TIMES} changed={(to) => set("within", to)} />
        {byTenant && (
          <label>
            Tenant <input type="text" size={10} value={chosen.tenant} onChange={(event) => set("tenant", event.currentTarget.value.trim())} />
          </label>
        )}
        <ById listed={value?.jobs ?? []} />
      </form>
      <Refused error={error} />
      {value && (
        <div class="wide">
          <table class="jobs">
            <thead>
              <tr>
                <th>State</th>
                <th>Pattern</th>
                <th>Id</th>
                {byTenant && <th>Tenant</th>}
                <th>Submitted</th>
                <th class="number">Took</th>
                <th>
                  <span class="hidden">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {value.jobs.map((job) => (
                <Row key={job.id} job={job} withTenant={Boolean(byTenant)} changed={again} />
              ))}
            </tbody>
          </table>
          {value.jobs.length === 0 && <p class="empty">{value.next ? "None among those looked at; older ones may follow." : "There are none."}</p>}
          <Pages cursors={cursors} next={value.next} turned={setCursors} />
        </div>
      )}
    </>
  );
}

const WHOLE = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Opens a job by its id, or by a part of it if exactly one of those listed has that. */
function ById({ listed }: { listed: JobSummary[] }): JSX.Element {
  const [said, setSaid] = useState("");
  const entered = (text: string) => {
    const given = text.trim().replace(/^…/, "");
    if (!given) return;
    const found = WHOLE.test(given) ? [given] : listed.map(({ id }) => id).filter((id) => id.includes(given.toLowerCase()));
    if (found.length === 1) go(href("jobs", found[0] as string));
    else setSaid(`${found.length || "None"} of those listed ${found.length ? "have" : "has"} that in ${found.length ? "their" : "its"} id.`);
  };
  return (
    <label class="by-id">
      Id{" "}
      <input
        type="search"
        size={24}
        placeholder="whole, or a part of one"
        onInput={() => setSaid("")}
        onKeyDown={(event) => event.key === "Enter" && entered(event.currentTarget.value)}
      />
      {said && (
        <span class="error" role="alert">
          {said}
        </span>
      )}
    </label>
  );
}

function Row({ job, withTenant, changed }: { job: JobSummary; withTenant: boolean; changed: () => void }): JSX.Element {
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const ended = job.status === "completed" || job.status === "failed" || job.status === "cancelled";
  const act = async (path: string, method: string, then: (state: JobState) => void) => {
    try {
      then(await ask<JobState>(`/jobs/${encodeURIComponent(job.id)}${path}`, { method }));
    } catch (error) {
      if (error instanceof Refusal) setRefusal(error);
      else throw error;
    }
  };
  const took = (job.endedAt ? Date.parse(job.endedAt) : byGateway()) - Date.parse(job.acceptedAt);
  return (
    <tr>
      <td>
        <span class={`state ${job.status}`}>{job.status}</span> {job.problem && <span class="soft small">{job.problem.code}</span>}
      </td>
      <td>{job.pattern}</td>
      <td>
        <a class="mono" href={href("jobs", job.id)}>
          {job.id}
        </a>
      </td>
      {withTenant && <td>{job.tenant}</td>}
      <td>{moment(job.acceptedAt)}</td>
      <td class="number">{duration(Math.max(0, took))}</td>
      <td class="actions">
        {!ended && (
          <button type="button" class="quiet" aria-label={`Cancel ${job.id}`} onClick={() => act("", "DELETE", changed)}>
            Cancel
          </button>
        )}
        {(job.status === "failed" || job.status === "cancelled") && (
          <button type="button" class="quiet" aria-label={`Retry ${job.id}`} onClick={() => act("/retry", "POST", (state) => go(href("jobs", state.id)))}>
            Retry
          </button>
        )}
        {refusal && <span class="error">{refusal.message}</span>}
      </td>
    </tr>
  );
}
