import { constants } from 'node:fs'
import { access, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ReprefixError } from '../../shared/errors.ts'
import type { NeighbourSetting } from '../domain/model.ts'
import type { Step } from '../domain/step.ts'
import type { Kernel, Neighbours } from '../ports.ts'
import { lastWords, type RunCommand } from './command.ts'
import { ROUTE_PROTOCOL } from './network.ts'

/** Steps that change the kernel's own neighbour proxy. */
export type NeighbourStep = Extract<
  Step,
  { kind: 'neighbour-enable' | 'neighbour-add' | 'neighbour-remove' }
>

/** The kernel's neighbour proxy as a port, and the changes made to it. */
export interface KernelProxy extends Neighbours {
  /** Applies steps of one stage, all or, when it throws COMMAND_FAILED, not all of them. */
  apply(steps: readonly NeighbourStep[]): Promise<void>
}

/** What the kernel proxy works with. */
export interface KernelProxyParts {
  readonly run: RunCommand
  readonly readNeighbours: Kernel['readNeighbours']
  /** Uplinks that the kernel shall proxy on; none where another backend serves. */
  readonly uplinks: readonly string[]
  readonly sysctlRoot?: string
}

/**
 * The settings of an interface, and what they must be. Without `proxy_ndp` the kernel ignores its
 * entries; with the usual `proxy_delay` of 80 it answers after up to 0.8 s.
 */
function settingsOf(name: string, root: string) {
  return [
    { path: join(root, 'net/ipv6/conf', name, 'proxy_ndp'), value: '1' },
    { path: join(root, 'net/ipv6/neigh', name, 'proxy_delay'), value: '0' },
  ]
}

async function isSet({ path, value }: { path: string; value: string }): Promise<boolean> {
  return (await readFile(path, 'utf8').catch(() => '')).trim() === value
}

async function isWritable({ path }: { path: string }): Promise<boolean> {
  return access(path, constants.W_OK).then(
    () => true,
    () => false,
  )
}

/** Lines of `ip -batch` for one step. */
function renderLines(step: NeighbourStep): readonly string[] {
  if (step.kind === 'neighbour-enable') return []
  const target = `proxy ${step.address} dev ${step.interface}`
  const add = `neigh replace ${target} protocol ${ROUTE_PROTOCOL}`
  // A batch ends at the first neighbour that fails: what is to go is made sure of first.
  return step.kind === 'neighbour-add' ? [add] : [add, `neigh del ${target}`]
}

/** Reads and changes the kernel's own neighbour proxy, with one `ip -batch` for all its entries. */
export function createKernelProxy(parts: KernelProxyParts): KernelProxy {
  const root = parts.sysctlRoot ?? '/proc/sys'

  async function readSetting(name: string): Promise<NeighbourSetting> {
    const settings = settingsOf(name, root)
    const isReady = (await Promise.all(settings.map(isSet))).every(Boolean)
    const writable = isReady || (await Promise.all(settings.map(isWritable))).every(Boolean)
    return { interface: name, isReady, isWritable: writable }
  }

  async function enable(name: string): Promise<void> {
    for (const setting of settingsOf(name, root)) {
      try {
        await writeFile(setting.path, `${setting.value}\n`)
      } catch (cause) {
        throw new ReprefixError(
          'COMMAND_FAILED',
          `could not write ${setting.value} to ${setting.path}; set it with sysctl`,
          { cause },
        )
      }
    }
  }

  return {
    read: async () => {
      const [entries, settings] = await Promise.all([
        parts.readNeighbours(),
        Promise.all(parts.uplinks.map(readSetting)),
      ])
      return { entries, settings }
    },
    apply: async (steps) => {
      for (const step of steps) if (step.kind === 'neighbour-enable') await enable(step.interface)
      const lines = steps.flatMap(renderLines)
      if (lines.length === 0) return
      const input = `${lines.join('\n')}\n`
      const result = await parts.run(['ip', '-6', '-force', '-batch', '-'], { input })
      if (result.exitCode === 0) return
      throw new ReprefixError(
        'COMMAND_FAILED',
        `could not confirm the neighbour proxy entries: ${lastWords(result)}`,
      )
    },
  }
}
