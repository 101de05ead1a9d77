import { describe, expect, it } from 'vitest'
import { isReportable, reportBodyOf } from '../../../../agent/commands/report-body.ts'
import { INITIAL_STATE } from '../../../../agent/domain/agent-state.ts'
import { UNNUMBERED } from '../../../../agent/domain/numbering.ts'
import type { Step } from '../../../../agent/domain/step.ts'
import type { PassResult, StepOutcome } from '../../../../agent/reconcile.ts'
import { parseAddress, parsePrefix } from '../../../../shared/ipv6.ts'
import { parseReport } from '../../../../shared/report.ts'
import { parseName } from '../../../../shared/rrset.ts'

const TO = parsePrefix('2001:db8:2:2::/64')
const FROM = parsePrefix('2001:db8:1:1::/64')
const route: Step = { kind: 'route-add', subnet: parsePrefix('2001:db8:2:2:1::/80'), bridge: 'br' }
const address = (host: number): Step => ({
  kind: 'address-add',
  container: `c${host}`,
  pid: host,
  interface: 'eth0',
  address: parseAddress(`2001:db8:2:2:1::${host}`),
  length: 80,
  bridge: 'br',
})

function result(results: readonly StepOutcome[], more: Partial<PassResult> = {}): PassResult {
  return {
    at: 0,
    observed: {
      uplinks: [],
      networks: [],
      containers: [],
      routes: [],
      proxy: null,
      firewall: null,
    },
    decision: { kind: 'renumber', from: FROM, to: TO, cause: 'flash' },
    numbering: {
      prefixes: [],
      current: { prefix: TO, cause: 'flash', since: 1 },
      retiring: [{ prefix: FROM, cause: 'flash', since: 1, validUntil: 1_769_860_800_000 }],
    },
    others: [],
    state: INITIAL_STATE,
    steps: results.map(({ step }) => step),
    claims: [{ name: parseName('www.example.org'), type: 'AAAA', values: ['2001:db8:2:2:1::1'] }],
    claimedOthers: [],
    problems: [],
    wakeAt: null,
    results,
    isConverged: true,
    ...more,
  }
}

const done = (step: Step, ms = 1.4): StepOutcome => ({ step, outcome: 'done', ms })
const failed = (step: Step): StepOutcome => ({ step, outcome: 'failed', ms: 1, error: 'no' })
const complete = (body: ReturnType<typeof reportBodyOf>) => ({
  v: 1,
  host: 'home',
  seq: 1,
  ...body,
  log: { size: 0, root: '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' },
  agent: '1.0.0',
})

describe('what is reported of a pass', () => {
  it('is a valid report of the prefix, the claims and the steps', () => {
    const body = reportBodyOf(result([done(address(1)), done(route)]))
    expect(parseReport(complete(body))).toMatchObject({
      prefix: {
        current: TO,
        previous: FROM,
        validUntil: '2026-01-31T12:00:00.000Z',
        cause: 'flash',
      },
      records: [{ name: 'www.example.org', values: ['2001:db8:2:2:1::1'] }],
      steps: [
        { step: 'address-add', outcome: 'done', ms: 1 },
        { step: 'route-add', target: '2001:db8:2:2:1::/80 dev br', outcome: 'done', ms: 1 },
      ],
    })
  })

  it('is nothing while no prefix is known: unknown is not empty', () => {
    expect(reportBodyOf(result([], { claims: null }))).toBeNull()
    expect(reportBodyOf(result([], { numbering: UNNUMBERED }))).toBeNull()
  })

  it('stays small however many containers there are', () => {
    const many = Array.from({ length: 200 }, (_, index) => done(address(index + 1), index))
    const body = reportBodyOf(result([...many.slice(0, -1), failed(address(200)), done(route)]))
    expect(body?.steps).toEqual([
      { step: 'address-add', target: '200 of them', outcome: 'failed', ms: 198 },
      { step: 'route-add', target: '2001:db8:2:2:1::/80 dev br', outcome: 'done', ms: 1 },
    ])
    expect(() => parseReport(complete(body))).not.toThrow()
  })
})

describe('whether a pass is reported', () => {
  it.each<[string, readonly StepOutcome[], boolean]>([
    ['nothing-to-do', [], true],
    ['all-done', [done(address(1)), done(route)], true],
    ['one-container-failed', [failed(address(1)), done(address(2)), done(route)], true],
    ['route-failed', [done(address(1)), failed(route)], false],
    ['route-not-tried', [{ step: route, outcome: 'not-tried' }], false],
  ])('%s', (_, results, expected) => {
    expect(isReportable(result(results))).toBe(expected)
  })
})
