import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { writeEnrolment } from '../../../../agent/adapters/enrolment-file.ts'
import { createLastAttemptFile } from '../../../../agent/adapters/last-attempt.ts'
import { writeLastChange } from '../../../../agent/adapters/last-change.ts'
import { createLastFaultFile } from '../../../../agent/adapters/last-fault.ts'
import { acquireLock } from '../../../../agent/adapters/lock.ts'
import { createOutbox } from '../../../../agent/adapters/outbox.ts'
import { createProblemsFile } from '../../../../agent/adapters/problems-file.ts'
import { createReceipts } from '../../../../agent/adapters/receipts.ts'
import { createReportingStateFile } from '../../../../agent/adapters/reporting-state.ts'
import { createStateFile } from '../../../../agent/adapters/state-file.ts'
import { renderLifetime, renderStatus } from '../../../../agent/commands/render-status.ts'
import { readStatus } from '../../../../agent/commands/status.ts'
import { type AgentConfig, parseConfig } from '../../../../agent/config.ts'
import { INITIAL_STATE } from '../../../../agent/domain/agent-state.ts'
import type { Numbering } from '../../../../agent/domain/numbering.ts'
import { parsePrefix } from '../../../../shared/ipv6.ts'

const TO = parsePrefix('2001:db8:2:2::/64')
const FROM = parsePrefix('2001:db8:1:1::/64')
const NOW = Date.parse('2026-01-31T12:00:00Z')

let config: AgentConfig
beforeEach(async () => {
  const directory = await mkdtemp(join(tmpdir(), 'status-'))
  const uplinks = 'uplinks: [{ interface: eth0 }, { interface: eth1 }]'
  config = parseConfig(`${uplinks}\nstateDirectory: ${directory}`, 'agent.yaml', () => '')
})
afterEach(() => rm(config.paths.directory, { recursive: true, force: true }))

function numbered(seconds: number): Numbering {
  const validUntil = NOW + seconds * 1000
  const entry = {
    prefix: TO,
    firstSeen: NOW,
    appeared: NOW,
    lastRefreshed: NOW,
    lastNoticed: NOW,
    refreshes: 1,
    recentRefreshes: [NOW],
    lifetimeMs: null,
    preferredUntil: NOW + 14_400_000,
    validUntil,
    isEligible: true,
  }
  return {
    prefixes: [entry],
    current: { prefix: TO, cause: 'flash', since: NOW },
    retiring: [{ prefix: FROM, cause: 'flash', since: NOW, validUntil: NOW + 60_000 }],
  }
}

/** A host on which everything has happened. */
async function busy(): Promise<void> {
  const { paths } = config
  const enrolment = { url: 'https://cloud.example', vkey: 'v', host: 'home', key: {} }
  await writeEnrolment(paths.enrolment, enrolment)
  await createStateFile(paths.state, 'eth0').write({
    ...INITIAL_STATE,
    uplinks: { eth0: numbered(86_400), eth1: { ...numbered(0), prefixes: [] } },
  })
  await createReportingStateFile(paths.reporting).write({
    sequence: 7,
    settled: 0,
    witness: { size: 12, root: 'r' },
    claim: null,
    refused: { at: 'then', seq: 6, status: 403, code: 'POLICY_NAME', detail: 'not yours' },
  })
  const body = { prefix: { current: TO, cause: 'flash' as const }, records: [], steps: [] }
  for (let id = 1; id <= 7; id++) {
    const at = `minute ${id}`
    await createOutbox(paths.outbox).save({ id, at, body, signed: null, isFolded: false })
  }
  await createLastAttemptFile(paths.lastAttempt).write({
    at: 'just now',
    reason: 'connection refused',
    failures: 3,
    retryAt: 'soon',
  })
  await createReceipts(paths.receipts).save({
    seq: 5,
    verifiedAt: 'before',
    entry: 11,
    jws: null,
    receipt: {},
  })
  await createLastFaultFile(paths.lastFault).write({
    since: 'noon',
    at: 'noon',
    code: 'DOCKER_UNREACHABLE',
    message: 'Docker does not answer',
  })
  await createProblemsFile(paths.problems).write([
    {
      code: 'CONTAINER_WITHOUT_NETWORK',
      where: 'container db',
      what: 'nowhere',
      remedy: 'connect',
    },
  ])
  await writeLastChange(paths.lastChange, {
    at: 'now',
    renumbering: { cause: 'flash', from: FROM, to: TO },
    ms: 41.6,
    steps: [
      { step: 'address-add', target: 'web', outcome: 'done', ms: 20.4 },
      { step: 'route-add', target: 'br', outcome: 'failed', ms: 2, error: 'no device' },
      { step: 'address-deprecate', target: 'web', outcome: 'not-tried', ms: 0 },
    ],
  })
}

describe('the status', () => {
  it('says what to do on a host where nothing has happened yet', async () => {
    expect(renderStatus(await readStatus(config, 0))).toEqual([
      'host       not enrolled: reprefix-agent enroll JOIN',
      'agent      not running: systemctl start reprefix-agent',
      'prefix     none seen yet',
      'eth1       none seen yet',
      'change     none yet',
      'receipt    none yet',
    ])
  })

  it('shows everything on a host where everything has happened', async () => {
    await busy()
    const lock = await acquireLock(config.paths.directory)
    const status = await readStatus(config, NOW)
    await lock.release()
    expect(renderStatus(status)).toEqual([
      'host       home at https://cloud.example',
      'agent      running',
      'failing    since noon: Docker does not answer',
      `prefix     ${TO} (flash, since 2026-01-31T12:00:00.000Z), preferred 4 h, valid 24 h`,
      `eth1       ${TO} (flash, since 2026-01-31T12:00:00.000Z), preferred 0 s, valid 0 s`,
      `former     ${FROM} on eth0, valid 60 s`,
      `former     ${FROM} on eth1, valid 60 s`,
      `change     now, flash renumbering to ${TO} from ${FROM} in 42 ms`,
      '           address-add web done 20 ms',
      '           route-add br failed 2 ms: no device',
      '           address-deprecate web not-tried',
      'waiting    3 older reports, since minute 1',
      ...[4, 5, 6, 7].map((minute) => `waiting    report of ${TO}, since minute ${minute}`),
      '           attempt 3 failed at just now: connection refused; again at soon',
      'refused    then: POLICY_NAME, not yours',
      'receipt    before for report 5, log entry 11, log of 12 entries',
      'problem    container db: nowhere; connect',
    ])
  })

  it('has the same for programs', async () => {
    await busy()
    expect(await readStatus(config, NOW)).toMatchObject({
      kind: 'status',
      host: 'home',
      isRunning: false,
      fault: { code: 'DOCKER_UNREACHABLE', since: 'noon' },
      current: { prefix: TO, preferredSeconds: 14_400, validSeconds: 86_400 },
      retiring: [{ uplink: 'eth0', prefix: FROM, validSeconds: 60 }, { uplink: 'eth1' }],
      pending: expect.arrayContaining([{ prefix: TO, since: 'minute 1', seq: null }]),
      lastAttempt: { reason: 'connection refused', failures: 3 },
      receipt: { seq: 5, verifiedAt: 'before', entry: 11 },
      refused: { code: 'POLICY_NAME' },
      problems: [{ code: 'CONTAINER_WITHOUT_NETWORK' }],
      witnessed: 12,
    })
  })

  it('does not show an attempt that failed when nothing waits any more', async () => {
    await busy()
    await rm(config.paths.outbox, { recursive: true })
    expect((await readStatus(config, NOW)).lastAttempt).toBe(null)
  })

  it('names the damaged file', async () => {
    await writeFile(config.paths.lastChange, '{')
    await expect(readStatus(config, 0)).rejects.toMatchObject({
      code: 'STATE_CORRUPT',
      message: expect.stringContaining('last-change.json'),
    })
  })

  it.each([
    [null, 'forever'],
    [0, '0 s'],
    [119, '119 s'],
    [120, '2 min'],
    [7199, '119 min'],
    [7200, '2 h'],
    [172_799, '47 h'],
    [172_800, '2 days'],
  ])('shows a lifetime of %s s as %s', (seconds, text) => {
    expect(renderLifetime(seconds)).toBe(text)
  })
})
