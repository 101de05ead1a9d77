import { describe, expect, it, vi } from 'vitest'
import { createServiceManager } from '../../../../agent/adapters/service-manager.ts'
import { ReprefixError } from '../../../../shared/errors.ts'
import { recordedLog } from '../../../fakes/recorded-log.ts'
import { scriptedCommands } from '../../../fakes/scripted-commands.ts'

const PID = 4711

function manager(
  environment: Readonly<Record<string, string>>,
  answer: Parameters<typeof scriptedCommands>[0][string] = {},
) {
  const commands = scriptedCommands({ 'systemd-notify': answer })
  const { log, lines } = recordedLog()
  const made = createServiceManager(
    { NOTIFY_SOCKET: '/run/systemd/notify', ...environment },
    { run: commands.run, log, pid: PID },
  )
  if (made === null) throw new TypeError('there is a socket, but no manager')
  return { ...made, ...commands, lines }
}

describe('the service manager', () => {
  it('is none, and nothing is started, where no socket was handed on', () => {
    const { run, calls } = scriptedCommands({})
    for (const environment of [{}, { NOTIFY_SOCKET: '' }, { WATCHDOG_USEC: '1000000' }]) {
      expect(
        createServiceManager(environment, { run, log: recordedLog().log, pid: PID }),
      ).toBeNull()
    }
    expect(calls).toEqual([])
  })

  it.each([
    ['none', {}, null],
    ['plain', { WATCHDOG_USEC: '300000000' }, 300_000],
    ['ours', { WATCHDOG_USEC: '300000000', WATCHDOG_PID: '4711' }, 300_000],
    ['another process', { WATCHDOG_USEC: '300000000', WATCHDOG_PID: '4712' }, null],
    ['zero', { WATCHDOG_USEC: '0' }, null],
    ['no number', { WATCHDOG_USEC: '5min' }, null],
  ])('watchdog/%s', (_name, environment, expected) => {
    expect(manager(environment).watchdogMs).toBe(expected)
  })

  it('is told by systemd-notify, one message after the other', async () => {
    let finish = (): void => undefined
    const first = new Promise<void>((resolve) => {
      finish = resolve
    })
    const { tell, texts } = manager({}, async ({ argv }) => {
      if (argv.includes('RELOADING=1')) await first
      return {}
    })
    tell({ RELOADING: '1', MONOTONIC_USEC: '17' })
    tell({ READY: '1', STATUS: 'eth0: 2001:db8:1:1::/64' })
    await vi.waitFor(() => expect(texts()).toHaveLength(1))
    finish()
    await vi.waitFor(() =>
      expect(texts()).toEqual([
        'systemd-notify RELOADING=1 MONOTONIC_USEC=17',
        'systemd-notify READY=1 STATUS=eth0: 2001:db8:1:1::/64',
      ]),
    )
  })

  it('is never told a second assignment by a line break in the first', async () => {
    const { tell, calls } = manager({})
    tell({ STATUS: 'nft said:\nMAINPID=1\r\nFDSTORE=1' })
    await vi.waitFor(() =>
      expect(calls[0]?.argv).toEqual(['systemd-notify', 'STATUS=nft said: MAINPID=1 FDSTORE=1']),
    )
  })

  it('is told further after a failure, of which one line of the log tells', async () => {
    let isMissing = true
    const { tell, calls, lines } = manager({}, () => {
      if (isMissing) throw new ReprefixError('TOOL_MISSING', 'systemd-notify is not installed')
      return {}
    })
    tell({ WATCHDOG: '1' })
    tell({ WATCHDOG: '1' })
    await vi.waitFor(() => expect(calls).toHaveLength(2))
    isMissing = false
    tell({ STATUS: 'a' })
    await vi.waitFor(() => expect(calls).toHaveLength(3))
    expect(lines.map(({ level, message }) => `${level}: ${message}`)).toEqual([
      'warn: could not tell systemd: systemd-notify is not installed',
    ])
  })

  it('counts a refusal as a failure', async () => {
    const { tell, lines } = manager({}, { exitCode: 1, stderr: 'Failed to notify: Denied\n' })
    tell({ READY: '1' })
    await vi.waitFor(() => expect(lines[0]?.message).toContain('Failed to notify: Denied'))
  })
})
