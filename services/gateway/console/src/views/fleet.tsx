// Fleet: who answers, what waits for them, how models with limits stand, and what could not be handled.

import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import type { Fleet as FleetNow, ModelStanding, Replica, StepQueue } from "../api/schema";
import { useAsked } from "../api/use";
import { DeadLetters } from "../parts/dead_letters";
import { Figure, Part } from "../parts/part";
import { Refused } from "../parts/result";
import { count, duration, moment } from "../parts/words";
import "../styles/fleet.css";

/** Milliseconds between two looks: rates are what was done between them. */
const EVERY = 2_000;
/** Milliseconds for which a process that answers no more is still shown. */
const REMEMBERED = 60_000;
/** What words of the tables mean. */
const SLOTS = "What the process can work on at once: jobs of an aggregator, steps of the others.";
const DONE = "Since it started: jobs, steps or, of a gateway, requests, to which those of this page belong.";
const IN_PROCESS = "What the process has begun and not ended, in a slot or not; of a gateway the requests that are open.";
const IN_QUEUE = "Taken by a process, and not done.";
const LANES = "High, normal and low as a job's urgency says; over: what a tenant has beyond its share; new: jobs that no aggregator has looked at.";

export function Fleet(): JSX.Element {
  const { value, error } = useAsked<FleetNow>("/fleet", EVERY);
  const rates = useRates(value);
  const gone = useGone(value);
  const slots = value?.replicas.filter((one) => one.service !== "gateway") ?? [];
  const sum = (of: (one: Replica) => number) => slots.reduce((all, one) => all + of(one), 0);
  return (
    <>
      <h1 class="hidden">Fleet</h1>
      <Refused error={error} />
      {error?.status === 403 && (
        <p class="soft">
          An operator's key shows the fleet: <code>penstock keys create NAME --admin</code> makes one.
        </p>
      )}
      {value && (
        <>
          <dl class="figures">
            <Figure name="Processes">{count(value.replicas.length) + (value.truncated ? "+" : "")}</Figure>
            <Figure name="Slots in use" title={SLOTS}>
              {count(sum((one) => one.inUse))} <span class="soft">of {count(sum((one) => one.slots))}</span>
            </Figure>
            <Figure name="Jobs waiting">{count(value.jobs.depth)}</Figure>
            <Figure name="Steps waiting">{count(value.steps.reduce((all, one) => all + one.depth, 0))}</Figure>
            <Figure name="Dead letters">{count(value.deadLetters)}</Figure>
          </dl>
          <Part name="Processes">
            <Processes replicas={value.replicas} gone={gone} rates={rates} at={value.at} />
          </Part>
          <Part name="Queues">
            <Queues fleet={value} />
          </Part>
          {value.models.length > 0 && (
            <Part name="Models">
              <Models models={value.models} />
            </Part>
          )}
          <Part name="Dead letters">
            <DeadLetters there={value.deadLetters} />
          </Part>
        </>
      )}
    </>
  );
}

/** What a process is there for: jobs, steps or requests. */
function done({ counts }: Replica): number {
  return counts.jobsCompleted + counts.stepsCompleted || counts.requests;
}

function failed({ counts }: Replica): number {
  return counts.jobsFailed + counts.stepsFailed + counts.requestErrors;
}

/** Of each process, by its id: how much it has done a second, between the last two answers. */
function useRates(value: FleetNow | null): Map<string, number> {
  const kept = useRef<{ last: FleetNow | null; rates: Map<string, number> }>({ last: null, rates: new Map() });
  const { last } = kept.current;
  if (value && value !== last) {
    const before = new Map(last?.replicas.map((one) => [one.id, done(one)]));
    const seconds = last ? (Date.parse(value.at) - Date.parse(last.at)) / 1000 : 0;
    const measured = value.replicas.filter((one) => seconds > 0 && before.has(one.id));
    kept.current = {
      last: value,
      rates: new Map(measured.map((one) => [one.id, (done(one) - (before.get(one.id) ?? 0)) / seconds])),
    };
  }
  return kept.current.rates;
}

type Gone = { replica: Replica; seen: number };

/** Processes that answered a while ago, and do no more. */
function useGone(value: FleetNow | null): Gone[] {
  const seen = useRef(new Map<string, Gone>());
  if (!value) return [];
  const now = Date.parse(value.at);
  for (const replica of value.replicas) seen.current.set(replica.id, { replica, seen: now });
  for (const [id, one] of seen.current) if (now - one.seen > REMEMBERED) seen.current.delete(id);
  // not all are told of: one that is missing may answer
  return value.truncated ? [] : [...seen.current.values()].filter((one) => one.seen < now);
}

function Processes({ replicas, gone, rates, at }: { replicas: Replica[]; gone: Gone[]; rates: Map<string, number>; at: string }): JSX.Element {
  return (
    <table class="fleet">
      <thead>
        <tr>
          <th>Service</th>
          <th class="roomy">Host, process</th>
          <th class="roomy">Version</th>
          <th class="roomy number">Up</th>
          <th title={SLOTS}>Slots in use</th>
          <th class="roomy number" title={IN_PROCESS}>
            In flight
          </th>
          <th class="number" title={DONE}>
            Done
          </th>
          <th class="number">A second</th>
          <th class="number">Failed</th>
        </tr>
      </thead>
      <tbody>
        {replicas.map((one) => (
          <tr key={one.id}>
            <td>
              <span class={`state ${one.trouble ? "waiting" : "completed"}`}>{one.service}</span>
              {one.trouble && <span class="small soft"> {one.trouble}</span>}
              <Where replica={one} />
            </td>
            <td class="roomy mono">
              {one.host} {one.pid}
            </td>
            <td class="roomy">{one.version}</td>
            <td class="roomy number" title={moment(one.startedAt)}>
              {duration(Math.max(0, Date.parse(at) - Date.parse(one.startedAt)))}
            </td>
            <td class="slots">
              {one.slots > 0 && (
                <>
                  <progress max={one.slots} value={Math.min(one.inUse, one.slots)} aria-label={`Slots of ${one.service} ${one.pid}`} />{" "}
                  {count(one.inUse)}/{count(one.slots)}
                </>
              )}
            </td>
            <td class="roomy number">{count(one.inFlight)}</td>
            <td class="number">{count(done(one))}</td>
            <td class="number">{rates.has(one.id) ? (rates.get(one.id) ?? 0).toFixed(1) : "–"}</td>
            <td class={failed(one) ? "number error" : "number"}>{count(failed(one))}</td>
          </tr>
        ))}
        {gone.map(({ replica, seen }) => (
          <tr key={replica.id} class="gone">
            <td>
              <span class="state cancelled">{replica.service}</span> <span class="small soft">not seen for {duration(Date.parse(at) - seen)}</span>
              <Where replica={replica} />
            </td>
            <td class="roomy mono soft">
              {replica.host} {replica.pid}
            </td>
            <td class="roomy soft">{replica.version}</td>
            <td class="roomy" />
            <td />
            <td class="roomy" />
            <td class="number soft">{count(done(replica))}</td>
            <td />
            <td class="number soft">{count(failed(replica))}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Host and process, where the table has no room for a column of theirs. */
function Where({ replica }: { replica: Replica }): JSX.Element {
  return (
    <span class="narrow mono soft">
      {replica.host} {replica.pid}
    </span>
  );
}

function Queues({ fleet }: { fleet: FleetNow }): JSX.Element {
  const [all, setAll] = useState(false);
  const busy = fleet.steps.filter((one) => one.depth > 0 || one.inFlight > 0);
  const shown = all ? fleet.steps : busy;
  return (
    <>
      <table class="fleet">
        <thead>
          <tr>
            <th>Queue</th>
            <th class="number">Waiting</th>
            <th class="number">Oldest</th>
            <th class="number" title={IN_QUEUE}>
              In flight
            </th>
            <th class="roomy" title={LANES}>
              By lane
            </th>
          </tr>
        </thead>
        <tbody>
          <Waiting name="jobs" queue={{ ...fleet.jobs, served: true }} />
          {shown.map((one) => (
            <Waiting key={`${one.service}/${one.pattern}/${one.step}`} name={`${one.pattern}/${one.step}`} service={one.service} queue={one} />
          ))}
        </tbody>
      </table>
      <div class="buttons">
        <button type="button" class="quiet" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? "Only those with something in them" : `All ${fleet.steps.length} kinds of steps`}
        </button>
      </div>
    </>
  );
}

type Queued = Pick<StepQueue, "depth" | "inFlight" | "oldestSeconds" | "served" | "lanes">;

function Waiting({ name, service, queue }: { name: string; service?: string; queue: Queued }): JSX.Element {
  const lanes = queue.lanes.filter((lane) => lane.depth > 0).map((lane) => `${lane.lane} ${count(lane.depth)}`);
  return (
    <tr>
      <td>
        {name} {service && <span class="soft small">{service}</span>}
        {queue.depth > 0 && !queue.served && <span class="error small"> nobody serves it</span>}
      </td>
      <td class="number">{count(queue.depth)}</td>
      <td class="number">{queue.oldestSeconds === undefined || queue.oldestSeconds === null ? "" : duration(queue.oldestSeconds * 1000)}</td>
      <td class="number">{count(queue.inFlight)}</td>
      <td class="roomy soft">{lanes.join(" · ")}</td>
    </tr>
  );
}

function Models({ models }: { models: ModelStanding[] }): JSX.Element {
  const of = (now: number, most: number | null | undefined) => (most ? `${count(now)} of ${count(most)}` : count(now));
  return (
    <table class="fleet">
      <thead>
        <tr>
          <th>Model</th>
          <th class="number">Calls at once</th>
          <th class="number">Calls a minute</th>
          <th class="roomy number">Tokens a minute</th>
          <th class="number">Waiting</th>
          <th>Paused until</th>
        </tr>
      </thead>
      <tbody>
        {models.map((one) => (
          <tr key={one.model}>
            <td>{one.model}</td>
            <td class="number">{of(one.lent, one.limits.concurrent)}</td>
            <td class="number">{of(one.calls, one.limits.requestsPerMinute)}</td>
            <td class="roomy number">{of(one.tokens, one.limits.tokensPerMinute)}</td>
            <td class="number">{count(one.waiting)}</td>
            <td>{one.pausedUntil ? <span class="state waiting">{moment(one.pausedUntil)}</span> : ""}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
