import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import type { Prefix } from '../../shared/ipv6.ts'
import { inNamespace, run } from './command.ts'
import { describeLab, PREFIXES, sharedHome, untilSeen } from './harness.ts'
import type { Home } from './home.ts'
import { HOME } from './lab-names.ts'
import { addressBelow } from './renumbering.ts'

const { p2, p3, p4, p5 } = PREFIXES

/** Starts the agent anew with another source of the prefix. */
async function useSource({ agent }: Home, source: unknown): Promise<void> {
  await agent.stop()
  const settings = parse(await readFile(agent.configuration, 'utf8'))
  await writeFile(agent.configuration, stringify({ ...settings, prefix: { source } }))
  await agent.start()
}

/** What a delegating router does: it sends everything in the prefix to the home server. */
async function delegate({ lab }: Home, prefix: Prefix): Promise<void> {
  const { home, router } = lab.namespaces
  const shown = await run(['ip', '-n', home, '-6', '-json', 'address', 'show', 'dev', HOME.uplink])
  const [link] = JSON.parse(shown)
  const { local } = link.addr_info.find(({ scope }: { scope: string }) => scope === 'link')
  await run(['ip', '-n', router, '-6', 'route', 'replace', prefix, 'via', local, 'dev', 'lan'])
}

describeLab('a prefix that is delegated to the home server', () => {
  const home = sharedHome(1)
  const seen = (prefix: Prefix) =>
    untilSeen(home(), home().watched.domain, addressBelow(prefix, home().watched))

  it('is taken from the route that a DHCPv6 client leaves, as is the one that replaces it', async () => {
    const { lab } = home()
    const route = (verb: string, prefix: Prefix) =>
      run(
        inNamespace(lab.namespaces.home, [
          ...['ip', '-6', 'route', verb, 'unreachable', prefix, 'dev', 'lo', 'proto', 'dhcp'],
        ]),
      )
    await delegate(home(), p2)
    await route('add', p2)
    await useSource(home(), 'route')
    expect((await seen(p2)).error).toBeUndefined()
    // It is routed to this host: nobody asks for its addresses on the link.
    expect(await readFile(join(lab.directory.path, 'ndppd.conf'), 'utf8')).not.toContain('iface')
    await delegate(home(), p3)
    await route('del', p2)
    await route('add', p3)
    expect((await seen(p3)).error).toBeUndefined()
  })

  it('is taken from a file, and held while the file is gone or broken', async () => {
    const { agent, lab } = home()
    const path = join(lab.directory.path, 'prefix')
    const put = async (text: string) => {
      await writeFile(`${path}.new`, text)
      await rename(`${path}.new`, path)
    }
    const held = async (what: () => Promise<void>, reason: RegExp) => {
      const from = agent.events.length
      await what()
      await agent.event(
        `hold: ${reason}`,
        ({ event, fields }) => event === 'hold' && reason.test(String(fields.reason)),
        from,
      )
    }
    await delegate(home(), p4)
    await put(`${p4} preferred 14400 valid 86400\n`)
    await useSource(home(), { file: path })
    expect((await seen(p4)).error).toBeUndefined()
    await held(() => rm(path), /ENOENT.*is kept/)
    await held(() => put('2001:db8:5:'), /line 1: .*is kept/)
    expect((await seen(p4)).error).toBeUndefined()
    await delegate(home(), p5)
    await put(`${p5}\n`)
    expect((await seen(p5)).error).toBeUndefined()
  })
})
