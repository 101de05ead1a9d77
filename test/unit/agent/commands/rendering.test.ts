import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { writeEnrolment } from '../../../../agent/adapters/enrolment-file.ts'
import { writeLastChange } from '../../../../agent/adapters/last-change.ts'
import { createOutbox } from '../../../../agent/adapters/outbox.ts'
import { createReceipts } from '../../../../agent/adapters/receipts.ts'
import { createReportingStateFile } from '../../../../agent/adapters/reporting-state.ts'
import { createStateFile } from '../../../../agent/adapters/state-file.ts'
import { renderLogLine } from '../../../../agent/commands/log-line.ts'
import { type PlanReport, renderPlan } from '../../../../agent/commands/plan.ts'
import { readStatus, renderStatus } from '../../../../agent/commands/status.ts'
import { type AgentConfig, parseConfig } from '../../../../agent/config.ts'
import { INITIAL_STATE } from '../../../../agent/domain/agent-state.ts'
import { parsePrefix } from '../../../../shared/ipv6.ts'
import { parseName } from '../../../../shared/rrset.ts'

const TO = parsePrefix('2001:db8:2:2::/64')
const FROM = parsePrefix('2001:db8:1:1::/64')

describe('the plan for people', () => {
  const plan: PlanReport = {
    kind: 'plan',
    others: [{ uplink: 'wan1', decision: { kind: 'keep', prefix: FROM } }],
    decision: { kind: 'renumber', from: FROM, to: TO, cause: 'flash' },
    steps: [
      { plane: 'docker', step: 'address-add', target: 'web 2001:db8:2:2:1::1 dev eth0' },
      { plane: 'routes', step: 'route-add', target: '2001:db8:2:2:1::/80 dev br-web' },
    ],
    claims: [{ name: parseName('www.example.org'), type: 'AAAA', values: ['2001:db8:2:2:1::1'] }],
    isClaimNew: true,
    problems: [
      { code: 'NETWORK_MISSING', where: 'settings', what: 'no network db', remedy: 'create it' },
    ],
    hasChanges: true,
  }

  it('shows decision, steps on all planes, names and problems', () => {
    expect(renderPlan(plan)).toEqual([
      'decision  renumber to 2001:db8:2:2::/64 from 2001:db8:1:1::/64 (flash)',
      'wan1      keep 2001:db8:1:1::/64',
      'docker  address-add  web 2001:db8:2:2:1::1 dev eth0',
      'routes  route-add    2001:db8:2:2:1::/80 dev br-web',
      'dns     AAAA         www.example.org 2001:db8:2:2:1::1',
      'problem   settings: no network db; create it',
      '2 steps to take',
    ])
  })

  it('says that there is nothing to do', () => {
    const decision = { kind: 'hold', reason: 'no prefix' } as const
    const nothing = {
      ...plan,
      decision,
      others: [],
      steps: [],
      isClaimNew: false,
      hasChanges: false,
    }
    expect(renderPlan({ ...nothing, problems: [] })).toEqual([
      'decision  hold: no prefix',
      'nothing to do',
    ])
  })
})

describe('the status', () => {
  let config: AgentConfig
  beforeEach(async () => {
    const directory = await mkdtemp(join(tmpdir(), 'status-'))
    config = parseConfig(`interface: eth0\nstateDirectory: ${directory}`, 'agent.yaml', () => '')
  })
  afterEach(() => rm(config.paths.directory, { recursive: true, force: true }))

  it('says what to do on a host where nothing has happened yet', async () => {
    expect(renderStatus(await readStatus(config, 0))).toEqual([
      'host       not enrolled: reprefix-agent enroll JOIN',
      'prefix     none seen yet',
      'change     none yet',
      'receipt    none yet',
    ])
  })

  it('shows prefix, lifetimes, last change, what waits and what was refused', async () => {
    const { paths } = config
    const now = Date.parse('2026-01-31T12:00:00Z')
    await writeEnrolment(paths.enrolment, {
      url: 'https://cloud.example',
      vkey: 'v',
      host: 'home',
      key: {},
    })
    await createStateFile(paths.state, 'eth0').write({
      ...INITIAL_STATE,
      uplinks: {
        eth0: {
          prefixes: [],
          current: { prefix: TO, cause: 'flash', since: now },
          retiring: [{ prefix: FROM, cause: 'flash', since: now, validUntil: now + 60_000 }],
        },
      },
    })
    await createReportingStateFile(paths.reporting).write({
      sequence: 7,
      settled: 0,
      witness: { size: 12, root: 'r' },
      claim: null,
      refused: { at: 'then', seq: 6, status: 403, code: 'POLICY_NAME', detail: 'not yours' },
    })
    const body = { prefix: { current: TO, cause: 'flash' as const }, records: [], steps: [] }
    await createOutbox(paths.outbox).save({
      id: 1,
      at: 'then',
      body,
      signed: null,
      isFolded: false,
    })
    await createReceipts(paths.receipts).save({ seq: 5, verifiedAt: 'before', receipt: {} })
    await writeLastChange(paths.lastChange, {
      at: 'now',
      renumbering: { cause: 'flash', from: FROM, to: TO },
      ms: 41.6,
      steps: [{ step: 'route-add', target: 'br', outcome: 'failed', ms: 2, error: 'no device' }],
    })
    const status = await readStatus(config, now)
    expect(status).toMatchObject({ kind: 'status', host: 'home', witnessed: 12 })
    expect(renderStatus(status)).toEqual([
      'host       home at https://cloud.example',
      `prefix     ${TO} (flash, since 2026-01-31T12:00:00.000Z), preferred 0 s, valid 0 s`,
      `retiring   ${FROM}, valid 60 s`,
      'change     now, flash renumbering in 42 ms',
      '           route-add br failed 2 ms: no device',
      `waiting    report of ${TO}, since then`,
      'refused    then: POLICY_NAME, not yours',
      'receipt    before for report 5, log of 12 entries',
    ])
  })

  it('names the damaged file', async () => {
    await writeFile(config.paths.lastChange, '{')
    await expect(readStatus(config, 0)).rejects.toMatchObject({
      code: 'STATE_CORRUPT',
      message: expect.stringContaining('last-change.json'),
    })
  })
})

describe('a log line for people', () => {
  it.each([
    ['{"level":30,"time":"T","msg":"made"}\n', 'T info  made'],
    ['{"level":50,"time":"T","msg":"broken"}', 'T ERROR broken'],
    ['not json\n', 'not json'],
  ])('%#', (json, line) => {
    expect(renderLogLine(json)).toBe(line)
  })
})
