import type { Logger } from '../../shared/logger.ts'
import type { Delegation, UplinkIntent, UplinkSnapshot } from '../domain/model.ts'
import type { Admitted } from '../domain/problem.ts'
import type { Kernel } from '../ports.ts'
import type { RunCommand } from './command.ts'
import { createDelegationCommand } from './delegation-command.ts'
import { createDelegationFile } from './delegation-file.ts'
import type { Background } from './monitor.ts'

/** Something other than the kernel that knows an uplink's delegated prefixes. */
export interface DelegationSource {
  /** What it says now, or why it says nothing; never throws. */
  read(): Promise<Admitted<readonly Delegation[]>>
  /** Hints when it may say something else. */
  watch(onHint: () => void, log: Logger): Background
}

/** A kernel whose uplinks are completed by what their sources say. */
export interface DelegatedKernel {
  readonly kernel: Kernel
  /** Watches all sources. */
  readonly watchSources: (onHint: () => void, log: Logger) => Background
}

/**
 * Adds to the snapshots of uplinks what their file or command says. Where that says nothing, the uplink
 * is unknown, and holds; whether its interface is there matters only to what leaves by it.
 */
export function withDelegations(
  kernel: Kernel,
  uplinks: readonly UplinkIntent[],
  parts: { readonly run: RunCommand; readonly now: () => number },
): DelegatedKernel {
  const sources = new Map(
    uplinks.flatMap(({ uplink, source }): [string, DelegationSource][] => {
      if (typeof source === 'string') return []
      const made =
        'file' in source
          ? createDelegationFile(source.file, parts.now)
          : createDelegationCommand(source.command, parts)
      return [[uplink, made]]
    }),
  )

  async function complete(snapshot: UplinkSnapshot): Promise<UplinkSnapshot> {
    const said = await sources.get(snapshot.interface)?.read()
    if (said === undefined) return snapshot
    return 'value' in said
      ? { ...snapshot, delegations: said.value }
      : { ...snapshot, unknown: said.fault }
  }

  return {
    kernel: {
      ...kernel,
      readUplinks: async () => Promise.all((await kernel.readUplinks()).map(complete)),
    },
    watchSources: (onHint, log) => {
      const watches = [...sources.values()].map((source) => source.watch(onHint, log))
      return { stop: () => watches.forEach((watch) => void watch.stop()) }
    },
  }
}
