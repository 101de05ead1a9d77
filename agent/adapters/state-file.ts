import { readFile } from 'node:fs/promises'
import { messageOf, ReprefixError } from '../../shared/errors.ts'
import { type AgentState, INITIAL_STATE, parseAgentState } from '../domain/agent-state.ts'
import { readFault, writeJsonFile } from './json-file.ts'

/** Where the agent's memory lives. */
export interface StateFile {
  /** The saved state, or the initial one on a host where the agent never ran. */
  read(): Promise<AgentState>
  /** Durable when it returns; a state that has not changed costs no write. */
  write(state: AgentState): Promise<void>
}

/**
 * Keeps the state in one file. A damaged file is STATE_CORRUPT and stops the agent: started afresh, it
 * would not know the former prefixes and leave their addresses behind. A file of a version that knew
 * one uplink is read as that of `mainUplink`.
 */
export function createStateFile(path: string, mainUplink: string): StateFile {
  let lastWritten: string | undefined

  return {
    read: async () => {
      let text: string
      try {
        text = await readFile(path, 'utf8')
      } catch (cause) {
        if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') {
          return INITIAL_STATE
        }
        throw readFault(path, cause)
      }
      try {
        return parseAgentState(JSON.parse(text), mainUplink)
      } catch (cause) {
        throw new ReprefixError(
          'STATE_CORRUPT',
          `${path} is damaged: ${messageOf(cause)}; restore it from a backup, or remove it to start` +
            ' afresh (addresses of former prefixes then stay until their containers restart)',
          { cause },
        )
      }
    },
    write: async (state) => {
      const text = JSON.stringify(state)
      if (text === lastWritten) return
      lastWritten = undefined
      await writeJsonFile(path, state)
      lastWritten = text
    },
  }
}
