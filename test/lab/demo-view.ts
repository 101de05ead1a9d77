import type { DemoEvent, Stage } from './demo-events.ts'
import { type ChangeState, currentChange, type DemoState } from './demo-state.ts'
import { renderTable } from './demo-table.ts'
import type { Actor, TimelineLine } from './demo-timeline.ts'
import type { Format, Paint } from './paint.ts'
import { milliseconds, seconds } from './paint.ts'
import type { Tally } from './probe-protocol.ts'

const STAGES: Readonly<Record<Stage, string>> = {
  network: 'build a home network',
  cloud: 'start the cloud',
  enrolment: 'add the host, enrol its agent',
  reachable: 'start the agent, be reachable by name',
}

const CAUSES = {
  flash: 'Flash renumbering: the old prefix is simply no longer announced',
  planned: 'Planned renumbering: the old prefix is announced as deprecated',
} as const

const ACTOR_FORMATS: Readonly<Record<Actor, Format>> = {
  router: 'magenta',
  agent: 'cyan',
  cloud: 'blue',
  client: 'green',
}

const SPINNER = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏'

function renderLine(line: TimelineLine, announcedAt: number, paint: Paint): string {
  // A program's clock reading is whole milliseconds: it may lie just before the advertisement.
  const offset = `+${milliseconds(Math.max(0, line.at - announcedAt))}`.padStart(11)
  const actor = paint(ACTOR_FORMATS[line.actor], line.actor.padEnd(6))
  const what = [line.what, line.targets.join(', ')].filter((part) => part !== '').join(' ')
  const format = line.isFault ? 'red' : line.actor === 'client' ? 'bold' : 'reset'
  return `  ${paint('dim', offset)}  ${actor}  ${format === 'reset' ? what : paint(format, what)}`
}

function renderTimeline(change: ChangeState, paint: Paint): readonly string[] {
  const { announcedAt } = change
  if (announcedAt === undefined) return []
  return change.lines.map((line) => renderLine(line, announcedAt, paint))
}

function renderTally(name: string, { sent, lost }: Tally, paint: Paint): string {
  const losses = paint(lost === 0 ? 'green' : 'red', `${lost} lost`)
  return `${name} ${String(sent).padStart(3)} sent, ${losses}`
}

function renderCounters({ counters }: ChangeState, paint: Paint): readonly string[] {
  if (counters === undefined) return []
  const { ipv4, tcp, oldIpv6 } = counters
  const tallies = [
    renderTally('IPv4', ipv4, paint),
    renderTally('established TCP', tcp, paint),
    renderTally('old IPv6', oldIpv6, paint),
  ]
  return [`  ${paint('dim', 'every 20 ms'.padStart(11))}  ${tallies.join(paint('dim', ' · '))}`]
}

function renderHeading({ cause, from, to }: ChangeState, paint: Paint): readonly string[] {
  return ['', paint('bold', CAUSES[cause]), paint('dim', `  ${from} → ${to}`)]
}

/**
 * The lines that an event adds for good, in a terminal as in a file. `state` is the state after the
 * event, `before` the one it was folded into.
 */
export function permanentLines(
  event: DemoEvent,
  before: DemoState,
  state: DemoState,
  paint: Paint,
): readonly string[] {
  switch (event.kind) {
    case 'stage-done': {
      const took = seconds(event.at - (before.stage?.startedAt ?? event.at)).padStart(6)
      const name = STAGES[event.stage].padEnd(40)
      return [`${paint('green', '✔')} ${name}${paint('dim', took)}  ${paint('dim', event.seen)}`]
    }
    case 'change': {
      const change = currentChange(state)
      return change ? renderHeading(change, paint) : []
    }
    case 'lost':
      return [`  ${paint('red', `lost: ${event.probe}: ${event.reason}`)}`]
    case 'renumbered': {
      const change = currentChange(state)
      return change ? [...renderTimeline(change, paint), ...renderCounters(change, paint)] : []
    }
    case 'proof': {
      const { ok, name, seen } = event.proof
      const mark = ok ? paint('green', '✔') : paint('red', '✘')
      const gap = state.proofs.length === 1 ? ['', paint('bold', 'Proof, seen from outside')] : []
      return [...gap, `${mark} ${name.padEnd(58)}  ${paint('dim', seen)}`]
    }
    case 'log':
      return ['', `last lines of the ${event.program}:`, ...event.lines.map((line) => `  ${line}`)]
    case 'failed': {
      const change = currentChange(state)
      const story = change && !change.result ? renderTimeline(change, paint) : []
      return [...story, `${paint('red', '✘')} ${event.message}`]
    }
    case 'summary':
      return renderTable(event, state, paint)
    default:
      return []
  }
}

/** The lines below the permanent ones while something is going on; `now` in ms since the epoch. */
export function liveLines(state: DemoState, now: number, paint: Paint): readonly string[] {
  const { stage } = state
  const spinner = SPINNER.charAt(Math.floor(now / 80) % SPINNER.length)
  const change = currentChange(state)
  const prefix = state.prefix ?? 'no prefix yet'
  const topology = [
    'client',
    'internet',
    'router',
    paint('yellow', prefix),
    'home server',
    'web · api · files',
  ]
  const footer = [
    '',
    `  ${topology.join(paint('dim', ' ── '))}  ${paint('dim', seconds(now - state.startedAt))}`,
  ]
  if (stage) {
    const took = seconds(now - stage.startedAt).padStart(6)
    return [
      `${paint('cyan', spinner)} ${STAGES[stage.stage].padEnd(40)}${paint('dim', took)}`,
      ...footer,
    ]
  }
  if (change && !change.result) {
    return [...renderTimeline(change, paint), ...renderCounters(change, paint), ...footer]
  }
  const doing = change ? 'gathering the proofs' : 'getting ready'
  return [`${paint('cyan', spinner)} ${doing}`, ...footer]
}
