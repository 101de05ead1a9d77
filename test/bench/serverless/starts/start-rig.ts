import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bundleRuntime } from '../../../../infra/bundle-runtimes.mjs'
import type { ConformingAgent } from '../../../conformance/agent.ts'
import { emptyBundle, type RuntimeName } from '../bundles.ts'

/** What is started. */
export type ProgramName = 'empty' | 'reprefix'

/** A program that takes requests. */
export interface Started {
  readonly url: string
  stop(): Promise<void>
}

/** One runtime on which both programs can be started again and again, with a host enrolled at ours. */
export interface StartRig {
  readonly runtime: RuntimeName
  readonly agent: ConformingAgent
  /** From nothing until it takes requests. */
  start(program: ProgramName): Promise<Started>
  close(): Promise<void>
}

/** A directory of its own with the empty Hono application of a runtime in it. */
export async function buildEmpty(runtime: RuntimeName) {
  const directory = await mkdtemp(join(tmpdir(), 'reprefix-empty-'))
  await bundleRuntime(emptyBundle(runtime, directory), { write: true })
  return { directory, remove: () => rm(directory, { recursive: true }) }
}
