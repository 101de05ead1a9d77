import { describe, expect, it } from 'vitest'
import { createIp6tables } from '../../../../agent/adapters/ip6tables.ts'
import { scriptedCommands } from '../../../fakes/scripted-commands.ts'

const RULES = [
  '-A REPREFIX -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
  '-A REPREFIX -j RETURN',
]
const POLICIES = '-P INPUT ACCEPT\n-P FORWARD ACCEPT\n-P OUTPUT ACCEPT\n'
const OURS = `-N REPREFIX\n`
const chain = `${RULES.join('\n')}\n`

/** A firewall whose table is first as `before` and, once restored, as `after`. */
function firewall(before: string, after = before) {
  let isRestored = false
  const commands = scriptedCommands({
    'ip6tables -w 5 -S': () => ({ stdout: isRestored ? after : before }),
    'ip6tables-restore': () => {
      isRestored = true
      return {}
    },
  })
  return { ...createIp6tables(commands.run), commands }
}

const restored = ({ commands }: ReturnType<typeof firewall>) =>
  commands.calls.find(({ argv }) => argv[0] === 'ip6tables-restore')?.input

describe('the firewall adapter', () => {
  it.each([
    ['nothing', POLICIES, { rules: null, hookedIn: null, hook: 'FORWARD' }],
    [
      'chain/unhooked',
      `${POLICIES}${OURS}${chain}`,
      { rules: RULES, hookedIn: null, hook: 'FORWARD' },
    ],
    [
      'chain/empty-and-hooked',
      `${POLICIES}${OURS}-A FORWARD -j REPREFIX\n`,
      { rules: [], hookedIn: 'FORWARD', hook: 'FORWARD' },
    ],
    [
      'forward/behind-docker',
      `${POLICIES}${OURS}-A FORWARD -j DOCKER-FORWARD\n-A FORWARD -j REPREFIX\n${chain}`,
      { rules: RULES, hookedIn: null, hook: 'FORWARD' },
    ],
    [
      'docker-user/behind-a-rule-of-the-operator',
      `${POLICIES}-N DOCKER-USER\n${OURS}-A FORWARD -j DOCKER-USER\n-A DOCKER-USER -s 2001:db8::/64 -j DROP\n-A DOCKER-USER -j REPREFIX\n${chain}`,
      { rules: RULES, hookedIn: 'DOCKER-USER', hook: 'DOCKER-USER' },
    ],
    [
      'docker-user/hooked-in-forward-still',
      `${POLICIES}-N DOCKER-USER\n${OURS}-A FORWARD -j REPREFIX\n-A FORWARD -j DOCKER-USER\n${chain}`,
      { rules: RULES, hookedIn: 'FORWARD', hook: 'DOCKER-USER' },
    ],
  ])('reads %s', async (_, table, state) => {
    expect(await firewall(table).read()).toEqual(state)
  })

  it('makes chain and jump in one transaction', async () => {
    const after = `${POLICIES}${OURS}-A FORWARD -j REPREFIX\n${chain}`
    const fake = firewall(POLICIES, after)
    await fake.apply(RULES, 'FORWARD')
    expect(restored(fake)).toBe(
      `*filter\n:REPREFIX - [0:0]\n${chain}-I FORWARD 1 -j REPREFIX\nCOMMIT\n`,
    )
    expect(fake.commands.texts()[1]).toBe('ip6tables-restore -w 5 --noflush')
  })

  it('leaves a jump that is in place alone', async () => {
    const table = `${POLICIES}${OURS}-A FORWARD -j REPREFIX\n${chain}`
    const fake = firewall(table)
    await fake.apply(RULES, 'FORWARD')
    expect(restored(fake)).toBe(`*filter\n:REPREFIX - [0:0]\n${chain}COMMIT\n`)
  })

  it('moves the jump to the front when Docker has put its own before it', async () => {
    const fake = firewall(
      `${POLICIES}${OURS}-A FORWARD -j DOCKER-FORWARD\n-A FORWARD -j REPREFIX\n${chain}`,
      `${POLICIES}${OURS}-A FORWARD -j REPREFIX\n-A FORWARD -j DOCKER-FORWARD\n${chain}`,
    )
    await fake.apply(RULES, 'FORWARD')
    expect(restored(fake)).toContain('-D FORWARD -j REPREFIX\n-I FORWARD 1 -j REPREFIX\nCOMMIT')
  })

  it('moves from FORWARD to DOCKER-USER and leaves one jump of several', async () => {
    const fake = firewall(
      `${POLICIES}-N DOCKER-USER\n${OURS}-A FORWARD -j REPREFIX\n-A FORWARD -j REPREFIX\n${chain}`,
      `${POLICIES}-N DOCKER-USER\n${OURS}-A DOCKER-USER -j REPREFIX\n${chain}`,
    )
    await fake.apply(RULES, 'DOCKER-USER')
    expect(restored(fake)).toContain(
      '-D FORWARD -j REPREFIX\n-D FORWARD -j REPREFIX\n-I DOCKER-USER 1 -j REPREFIX\nCOMMIT',
    )
  })

  it('says that the old rules stand when the new ones are refused', async () => {
    const commands = scriptedCommands({
      'ip6tables -w': { stdout: POLICIES },
      'ip6tables-restore': { exitCode: 2, stderr: 'Error occurred at line: 3\n' },
    })
    await expect(createIp6tables(commands.run).apply(RULES, 'FORWARD')).rejects.toMatchObject({
      code: 'FIREWALL_REJECTED',
      message: expect.stringContaining('still in force: Error occurred at line: 3'),
    })
  })

  it('does not believe a success that cannot be read back', async () => {
    await expect(firewall(POLICIES).apply(RULES, 'FORWARD')).rejects.toMatchObject({
      code: 'FIREWALL_REJECTED',
    })
  })

  it('takes it for done when another program has inserted before our jump at once', async () => {
    const overtaken = `${POLICIES}${OURS}-A FORWARD -j DROP\n-A FORWARD -j REPREFIX\n${chain}`
    await firewall(POLICIES, overtaken).apply(RULES, 'FORWARD')
    const unhooked = `${POLICIES}${OURS}-A FORWARD -j DROP\n${chain}`
    await expect(firewall(POLICIES, unhooked).apply(RULES, 'FORWARD')).rejects.toMatchObject({
      code: 'FIREWALL_REJECTED',
    })
  })

  it('remembers how often it had to put the same back, and what stood before it', async () => {
    const overtaken = `${POLICIES}${OURS}-A FORWARD -j DROP\n-A FORWARD -j REPREFIX\n${chain}`
    const fake = firewall(overtaken)
    expect((await fake.read()).contest).toBe(undefined)
    for (let set = 0; set < 9; set++) await fake.apply(RULES, 'FORWARD')
    const { contest } = await fake.read()
    expect(contest).toMatchObject({ restored: 8, rival: '-A FORWARD -j DROP', rules: RULES })
    expect(fake.heldBackMs()).toBeGreaterThan(0)
  })

  it('tells a missing chain from a tool that fails', async () => {
    const commands = scriptedCommands({ ip6tables: { exitCode: 3, stderr: 'Permission denied' } })
    await expect(createIp6tables(commands.run).read()).rejects.toMatchObject({
      code: 'COMMAND_FAILED',
    })
  })
})
