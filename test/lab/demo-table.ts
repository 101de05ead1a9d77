import type { DemoSummary } from './demo-events.ts'
import type { DemoState } from './demo-state.ts'
import { milliseconds, type Paint } from './paint.ts'

/** The demo's last lines: what was measured, and whether everything held. */
export function renderTable(
  { ok, audit }: DemoSummary,
  state: DemoState,
  paint: Paint,
): readonly string[] {
  const results = state.changes.flatMap(({ result }) => (result ? [result] : []))
  const row = (name: string, cells: readonly string[]): string =>
    `  ${name.padEnd(42)}${cells.map((cell) => cell.padStart(14)).join('')}`
  const lines = [
    paint(
      'bold',
      row(
        '',
        results.map(({ cause }) => cause),
      ),
    ),
    row(
      'announcement → page by name, new address',
      results.map((r) => milliseconds(r.toReachableMs)),
    ),
    row(
      'IPv4 requests lost',
      results.map((r) => `${r.lostIpv4} of ${r.counters.ipv4.sent}`),
    ),
    row(
      'old IPv6 requests lost',
      results.map((r) => `${r.lostOldIpv6} of ${r.counters.oldIpv6.sent}`),
    ),
    row(
      'established TCP connections broken',
      results.map((r) => `${r.brokenTcp}`),
    ),
    row(
      'containers restarted',
      results.map((r) => `${r.restarts}`),
    ),
    row('audit log', [`${audit.entries} entries`, audit.ok ? 'verified' : 'NOT VALID']),
  ]
  const verdict = ok ? paint(['green', 'bold'], 'Every proof holds.') : failedProofs(state, paint)
  return ['', ...lines, '', verdict]
}

function failedProofs({ proofs }: DemoState, paint: Paint): string {
  const failed = proofs.filter((proof) => !proof.ok).map(({ name }) => name)
  return paint(['red', 'bold'], `Failed: ${failed.join('; ') || 'nothing was proven'}`)
}
