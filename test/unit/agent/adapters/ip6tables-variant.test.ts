import { afterEach, describe, expect, it, vi } from 'vitest'
import type { FollowCommand } from '../../../../agent/adapters/command.ts'
import { startFirewallMonitor } from '../../../../agent/adapters/firewall-monitor.ts'
import { createIp6tables } from '../../../../agent/adapters/ip6tables.ts'
import { createOtherVariant, parseVariant } from '../../../../agent/adapters/ip6tables-variant.ts'
import { ReprefixError } from '../../../../shared/errors.ts'
import { recordedLog } from '../../../fakes/recorded-log.ts'
import { scriptedCommands } from '../../../fakes/scripted-commands.ts'

const NFT = { stdout: 'ip6tables v1.8.9 (nf_tables)\n' }
const LEGACY = { stdout: 'ip6tables v1.8.9 (legacy)\n' }
const EMPTY = '-P INPUT ACCEPT\n-P FORWARD ACCEPT\n-P OUTPUT ACCEPT\n'
const RULE = `${EMPTY}-N DOCKER\n-A FORWARD -j DOCKER\n`

afterEach(() => void vi.useRealTimers())

describe('the other variant of ip6tables', () => {
  it.each([
    ['ip6tables v1.8.9 (nf_tables)\n', 'nft'],
    ['ip6tables v1.8.9 (legacy)\n', 'legacy'],
    ['ip6tables v1.6.1\n', 'legacy'],
  ])('reads %j', (text, expected) => {
    expect(parseVariant(text)).toBe(expected)
  })

  it.each([
    ['nft/legacy-never-used', NFT, '', undefined, null],
    ['nft/legacy-nat-only', NFT, 'nat\n', undefined, null],
    ['nft/legacy-empty', NFT, 'nat\nfilter\n', { stdout: EMPTY }, null],
    ['nft/legacy-rules', NFT, 'filter\n', { stdout: RULE }, '-A FORWARD -j DOCKER'],
    [
      'nft/legacy-policy',
      NFT,
      'filter\n',
      { stdout: EMPTY.replace('FORWARD ACCEPT', 'FORWARD DROP') },
      '-P FORWARD DROP',
    ],
    ['legacy/nft-empty', LEGACY, 'filter\n', { stdout: EMPTY }, null],
    ['legacy/nft-rules', LEGACY, 'filter\n', { stdout: RULE }, '-A FORWARD -j DOCKER'],
    ['legacy/nft-not-to-be-read', LEGACY, 'filter\n', { exitCode: 1 }, null],
  ])('finds rules: %s', async (_, version, tables, other, rule) => {
    const commands = scriptedCommands({
      'ip6tables -V': version,
      ...(other && { 'ip6tables-legacy -w 5 -S': other, 'ip6tables-nft -w 5 -S': other }),
    })
    const found = await createOtherVariant(commands.run, async () => tables).findRules()
    if (rule === null) expect(found).toBe(null)
    else expect(found).toContain(`(${rule})`)
  })

  it('takes a tool that is not installed for one that nobody uses', async () => {
    const commands = scriptedCommands({
      'ip6tables -V': LEGACY,
      'ip6tables-nft': () => {
        throw new ReprefixError('TOOL_MISSING', 'ip6tables-nft is not installed')
      },
    })
    expect(await createOtherVariant(commands.run, async () => '').findRules()).toBe(null)
  })

  it('keeps our chain from being made, and says what to do', async () => {
    const commands = scriptedCommands({ 'ip6tables -w 5 -S': { stdout: EMPTY } })
    const other = { findRules: async () => 'the other has rules' }
    const firewall = createIp6tables(commands.run, other)
    expect(await firewall.read()).toMatchObject({ rules: null, conflict: 'the other has rules' })
    await expect(firewall.apply([], 'FORWARD')).rejects.toMatchObject({
      code: 'FIREWALL_MIXED',
      message: expect.stringContaining('update-alternatives'),
    })
    expect(commands.texts().some((text) => text.startsWith('ip6tables-restore'))).toBe(false)
  })

  it('does not stand in the way of a chain that is there', async () => {
    const stdout = `${EMPTY}-N REPREFIX\n-A FORWARD -j REPREFIX\n`
    const commands = scriptedCommands({ 'ip6tables -w 5 -S': { stdout }, 'ip6tables-restore': {} })
    const other = { findRules: async () => expect.fail('nobody asked') }
    const firewall = createIp6tables(commands.run, other)
    await firewall.apply([], 'FORWARD')
    const { conflict, ...state } = await firewall.read()
    expect(conflict).toBe(undefined)
    expect(state).toMatchObject({ rules: [], hookedIn: 'FORWARD', hook: 'FORWARD' })
  })
})

describe('the firewall monitor', () => {
  function monitor(variant: 'nft' | 'legacy') {
    const started: string[] = []
    let print = (_: string): void => undefined
    let end = (_: string): void => undefined
    const follow: FollowCommand = (argv, onLine) => {
      started.push(argv.join(' '))
      print = onLine
      const ended = new Promise<string>((resolve) => {
        end = resolve
      })
      return { ended, stop: () => undefined }
    }
    const onHint = vi.fn()
    const { log, lines } = recordedLog()
    startFirewallMonitor(async () => variant, onHint, { follow, log })
    return {
      started,
      onHint,
      lines,
      print: (line: string) => print(line),
      end: (reason: string) => end(reason),
    }
  }

  it('takes changes of the IPv6 filter table for hints, as xtables-monitor 1.8.9 prints them', async () => {
    const fake = monitor('nft')
    await vi.waitFor(() => expect(fake.started).toHaveLength(1))
    for (const line of [
      ' EVENT: nft: NEW table: table filter ip6 flags 0 use 1 handle 1',
      ' EVENT: -6 -t filter -D FORWARD -j REPREFIX',
      ' EVENT: # nft: ip6 filter FORWARD use 1 type filter hook forward prio 0 policy accept',
    ]) {
      fake.print(line)
    }
    expect(fake.onHint).toHaveBeenCalledTimes(3)
    fake.print('NEWGEN: GENID=4 PID=23215 NAME=iptables')
    fake.print(' EVENT: -6 -t nat -A POSTROUTING -j MASQUERADE')
    expect(fake.onHint).toHaveBeenCalledTimes(3)
  })

  it('follows nothing under legacy, which announces nothing', async () => {
    const fake = monitor('legacy')
    await Promise.resolve()
    expect(fake.started).toEqual([])
  })

  it('looks when the program ends, and again when it is back, without a word to the operator', async () => {
    vi.useFakeTimers()
    const fake = monitor('nft')
    await vi.advanceTimersByTimeAsync(1)
    fake.end('exit code 1')
    await vi.advanceTimersByTimeAsync(0)
    expect(fake.onHint).toHaveBeenCalledTimes(1)
    await vi.advanceTimersByTimeAsync(250)
    expect(fake.started).toHaveLength(2)
    expect(fake.onHint).toHaveBeenCalledTimes(2)
    expect(fake.lines.map(({ level }) => level)).toEqual(['debug'])
  })

  it('gives up for good where the program is missing, and says so once', async () => {
    vi.useFakeTimers()
    const fake = monitor('nft')
    await vi.advanceTimersByTimeAsync(1)
    fake.end('exit code 127')
    await vi.advanceTimersByTimeAsync(600_000)
    expect(fake.started).toHaveLength(1)
    expect(fake.lines).toHaveLength(1)
  })
})
