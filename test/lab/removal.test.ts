import { readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { inNamespace, run } from './command.ts'
import { type Daemon, startDaemon } from './daemon.ts'
import { waitFor } from './deadline.ts'
import { describeLab, PREFIXES } from './harness.ts'
import { createLab } from './lab.ts'
import { HOME } from './lab-names.ts'
import { nodeProgram } from './programs.ts'
import { usable } from './router.ts'
import { processesOf, remainsOf, removeAbandonedLabs } from './sweep.ts'

/** The lab whose owner is this process. */
function labOwnedBy(pid: number): string | undefined {
  return readdirSync(tmpdir())
    .flatMap((name) => /^reprefix-lab-(\w{5})$/.exec(name)?.[1] ?? [])
    .find((id) =>
      readFileSync(join(tmpdir(), `reprefix-lab-${id}`, 'owner'), 'utf8').startsWith(`${pid} `),
    )
}

interface RunningDemo {
  readonly daemon: Daemon
  readonly id: string
}

/** Starts the demo as a person would, until its lab has so many processes. */
async function startDemo(processes: number): Promise<RunningDemo> {
  const daemon = await startDaemon({
    name: 'demo',
    argv: nodeProgram('reprefix.js', ['demo', '--json']),
    logFile: '/dev/null',
  })
  const hopeless = (): string | undefined => (daemon.isRunning() ? undefined : 'the demo ended')
  const id = await waitFor('lab of the demo', () => labOwnedBy(daemon.pid), { hopeless })
  await waitFor(
    `${processes} processes`,
    () => (processesOf(id).length >= processes ? true : undefined),
    { hopeless },
  )
  return { daemon, id }
}

describeLab('removal of everything a lab made', () => {
  it('removes a whole lab', async () => {
    const lab = await createLab({ containers: 2 })
    const { id } = lab.directory
    expect(remainsOf(id)).not.toEqual([])
    lab.close()
    expect(remainsOf(id)).toEqual([])
    lab.close()
  })

  it('removes what was made when building fails', async () => {
    const before = readdirSync(tmpdir())
    // A second container of the same name cannot be made: the lab fails late, with Docker running.
    const lab = await createLab({ containers: 1 })
    const [first] = lab.containers
    if (first === undefined) throw new TypeError('no container')
    await expect(lab.home.startContainer(first)).rejects.toThrow(/already in use/)
    lab.close()
    const { PATH } = process.env
    process.env.PATH = '/nonexistent'
    try {
      await expect(createLab({ containers: 1 })).rejects.toThrow()
    } finally {
      process.env.PATH = PATH
    }
    const left = readdirSync(tmpdir()).filter((name) => !before.includes(name))
    expect(left.filter((name) => name.includes('reprefix-lab-'))).toEqual([])
  })

  it.each([
    ['half built', 1],
    ['with containers', 12],
  ])('removes everything on SIGINT, %s', async (_state, processes) => {
    const { daemon, id } = await startDemo(processes)
    expect(await daemon.stop('SIGINT', 15_000)).toBe(130)
    expect(remainsOf(id)).toEqual([])
  })

  it('removes what a killed run left, when the next one starts', async () => {
    const { daemon, id } = await startDemo(8)
    await daemon.stop('SIGKILL')
    expect(remainsOf(id)).not.toEqual([])
    expect(removeAbandonedLabs()).toContain(id)
    expect(remainsOf(id)).toEqual([])
  })

  it('keeps two labs side by side apart', async () => {
    const labs = await Promise.all([createLab({ containers: 1 }), createLab({ containers: 1 })])
    try {
      const [one, two] = labs
      await one.router.announce([usable(PREFIXES.p1)])
      await two.router.announce([usable(PREFIXES.p2)])
      const routes = await Promise.all(
        labs.map(({ namespaces }) =>
          run(inNamespace(namespaces.home, ['ip', '-6', 'route', 'show', 'dev', HOME.uplink])),
        ),
      )
      expect(routes[0]).toContain(PREFIXES.p1)
      expect(routes[0]).not.toContain(PREFIXES.p2)
      expect(routes[1]).toContain(PREFIXES.p2)
      one.close()
      const [life] = await two.home.lives(two.containers)
      expect(processesOf(two.directory.id)).toContain(life?.pid)
    } finally {
      for (const lab of labs) lab.close()
    }
    expect(labs.flatMap(({ directory }) => remainsOf(directory.id))).toEqual([])
  })
})
