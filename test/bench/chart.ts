import { type AgentMeasurement, type Summary, summarise } from './agent-result.ts'
import { median } from './statistics.ts'

/** The longest that a script called by cron every five minutes waits before it looks. */
const CRON_DELAY_MS = 300_000
/** The ends of the axis: ten milliseconds and a thousand seconds. */
const AXIS = { from: 10, to: 1_000_000 } as const
const PLOT = { left: 150, right: 580, top: 112 } as const
const WIDTH = 880
const ROW = 24
const GROUP_GAP = 34
const TEXT_X = PLOT.right + 16

interface Row {
  readonly label: string
  readonly kind: 'own' | 'other'
  readonly ms: number
  /** Drawn as a thin mark: slower runs. */
  readonly markMs?: number
  /** Drawn lighter: what may be added before anything begins. */
  readonly untilMs?: number
  readonly text: string
}

interface Group {
  readonly title: string
  readonly rows: readonly Row[]
}

/** Milliseconds as a person says them: `87 ms`, `6.2 s`, `140 s`. */
export function sayTime(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  return ms < 99_950 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 1000)} s`
}

/** Where a time is on the logarithmic axis; times beyond its ends are at them. */
export function positionOf(ms: number): number {
  const bounded = Math.min(Math.max(ms, AXIS.from), AXIS.to)
  const share = Math.log10(bounded / AXIS.from) / Math.log10(AXIS.to / AXIS.from)
  return Math.round((PLOT.left + share * (PLOT.right - PLOT.left)) * 10) / 10
}

function escapeXml(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;')
}

function count(n: number, one: string, many: string): string {
  return `${n} ${n === 1 ? one : many}`
}

function rowOf(each: Summary): Row {
  const lost = `${each.lostIpv4} IPv4 lost, ${each.restarts} restarted`
  const common = { ms: each.medianMs, text: `${sayTime(each.medianMs)}, ${lost}` }
  return each.way === 'reprefix'
    ? {
        label: 'reprefix',
        kind: 'own',
        ...common,
        ...(each.p95Ms === undefined ? {} : { markMs: each.p95Ms }),
      }
    : { label: 'cron script', kind: 'other', ...common, untilMs: each.medianMs + CRON_DELAY_MS }
}

function groupsOf({ series, dns }: AgentMeasurement): readonly Group[] {
  const summaries = series.map(summarise).filter((each) => each !== undefined)
  const sizes = [...new Set(summaries.map(({ containers }) => containers))].sort((a, b) => a - b)
  const whole = sizes.map((containers) => ({
    title: `${count(containers, 'container', 'containers')}, first page by name`,
    rows: summaries.filter((each) => each.containers === containers).map(rowOf),
  }))
  const named = dns
    .filter(({ toNamedMs }) => toNamedMs.length > 0)
    .map(({ way, toNamedMs }): Row => {
      const ms = median(toNamedMs)
      return {
        label: way === 'reprefix' ? way : way.replace('ddclient by itself', 'ddclient daemon'),
        kind: way === 'reprefix' ? 'own' : 'other',
        ms,
        text: sayTime(ms),
      }
    })
  const [first] = dns
  if (named.length === 0 || first === undefined) return whole
  const title = `${count(first.containers, 'name', 'names')}, DNS alone`
  return [...whole, { title, rows: named }]
}

function renderRow(row: Row, y: number): string {
  const end = positionOf(row.ms)
  const middle = y + ROW / 2
  const bar = (from: number, to: number, style: string): string =>
    `<rect class="${style}" x="${from}" y="${y + 4}" width="${Math.max(2, to - from).toFixed(1)}" height="${ROW - 8}" rx="2"/>`
  const extra = row.untilMs === undefined ? '' : bar(end, positionOf(row.untilMs), 'other wait')
  const mark = row.markMs === undefined ? undefined : positionOf(row.markMs)
  return [
    `<text class="ink" x="${PLOT.left - 10}" y="${middle + 4}" text-anchor="end">${escapeXml(row.label)}</text>`,
    bar(PLOT.left, end, row.kind) + extra,
    mark === undefined
      ? ''
      : `<path class="mark" d="M${end} ${middle}H${mark}M${mark} ${y + 6}V${y + ROW - 6}"/>`,
    `<text class="ink" x="${TEXT_X}" y="${middle + 4}">${escapeXml(row.text)}</text>`,
  ].join('\n')
}

function renderAxis(bottom: number): string {
  const ticks = [10, 100, 1000, 10_000, 100_000, 1_000_000]
  return ticks
    .map((ms) => {
      const x = positionOf(ms)
      const text = ms < 1000 ? `${ms} ms` : `${ms / 1000} s`
      return (
        `<path class="grid" d="M${x} ${PLOT.top - 10}V${bottom}"/>` +
        `<text class="soft" x="${x}" y="${PLOT.top - 18}" text-anchor="middle">${text}</text>`
      )
    })
    .join('\n')
}

/** The measurement in sentences, for those who do not see the picture. */
export function describeChart(groups: readonly Group[]): string {
  const sentences = groups.map(
    ({ title, rows }) =>
      `${title}: ${rows.map(({ label, text }) => `${label} ${text}`).join('; ')}.`,
  )
  return `Medians on a logarithmic scale. ${sentences.join(' ')}`
}

const STYLE = `
text { font: 13px system-ui, 'DejaVu Sans', sans-serif }
.title { font-size: 17px; font-weight: 600 }
.group { font-weight: 600 }
.page { fill: #ffffff } .ink { fill: #1f2328 } .soft { fill: #59636e; font-size: 12px }
.grid { stroke: #d1d9e0; stroke-width: 1; fill: none } .mark { stroke: #1f2328; stroke-width: 1.5; fill: none }
.own { fill: #1a7f37 } .other { fill: #bc4c00 } .wait { fill-opacity: 0.3 }
@media (prefers-color-scheme: dark) {
.page { fill: #0d1117 } .ink { fill: #f0f6fc } .soft { fill: #9198a1 }
.grid { stroke: #3d444d } .mark { stroke: #f0f6fc }
.own { fill: #3fb950 } .other { fill: #f0883e }
}`

/**
 * Draws a measurement as a picture for light and dark pages: horizontal bars to the medians, on a
 * logarithmic axis; a mark at the 95th percentile; lighter, what cron adds before it looks.
 */
export function renderChart(measurement: AgentMeasurement): string {
  const groups = groupsOf(measurement)
  const parts: string[] = []
  let y: number = PLOT.top
  for (const { title, rows } of groups) {
    // Grid lines end at titles: seven pixels and a half are a letter's width.
    parts.push(
      `<rect class="page" x="${PLOT.left}" y="${y - 4}" width="${Math.max(0, title.length * 7.5 + 24 - PLOT.left)}" height="20"/>` +
        `<text class="ink group" x="20" y="${y + 10}">${escapeXml(title)}</text>`,
    )
    y += 18
    for (const row of rows) {
      parts.push(renderRow(row, y))
      y += ROW
    }
    y += GROUP_GAP - 18
  }
  const bottom = y - 8
  const height = bottom + 62
  const { system = '', cpus = '', docker = '' } = measurement.machine
  const lab = `${cpus} CPUs, ${system}, ${docker.replace(/, build.*/, '')}`
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="title desc">
<title id="title">From the router's new prefix to reachable by name</title>
<desc id="desc">${escapeXml(describeChart(groups))}</desc>
<style>${STYLE}
</style>
<rect class="page" width="100%" height="100%" rx="8"/>
<text class="ink title" x="20" y="32">From the router's new prefix to reachable by name</text>
<text class="soft" x="20" y="54">Median time on a logarithmic scale, losses of the worst run; the thin mark is the 95th percentile</text>
${renderAxis(bottom)}
${parts.join('\n')}
<rect class="other wait" x="20" y="${bottom + 18}" width="22" height="12" rx="2"/>
<text class="soft" x="50" y="${bottom + 28}">up to 5 minutes more until cron looks: the script was started at once</text>
<text class="soft" x="20" y="${bottom + 48}">${escapeXml(lab)}, measured ${measurement.at.slice(0, 10)}</text>
</svg>
`
}
