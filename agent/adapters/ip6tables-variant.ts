import { readFile } from 'node:fs/promises'
import { isReprefixError } from '../../shared/errors.ts'
import { type RunCommand, requireSuccess } from './command.ts'

/** Which of the kernel's two packet filters a command line tool speaks to. */
export type Variant = 'nft' | 'legacy'

/** The other packet filter, in which rules filter every packet too. */
export interface OtherVariant {
  /** Which one `ip6tables` is here; asked once. */
  variant(): Promise<Variant>
  /** Says, for people, which rules the other one holds; `null` where it is empty. */
  findRules(): Promise<string | null>
}

/** Reads `ip6tables -V`. Before version 1.8 there was only what is called legacy since. */
export function parseVariant(text: string): Variant {
  return text.includes('(nf_tables)') ? 'nft' : 'legacy'
}

/** The first thing in `-S` that keeps a packet from passing as if the table were not there. */
function firstRule(text: string): string | undefined {
  return text.split('\n').find((line) => line.startsWith('-A ') || /^-P \S+ (?!ACCEPT)/.test(line))
}

/** Names of the tables of the legacy filter; the file is missing where it was never used. */
function readLegacyTables(): Promise<string> {
  return readFile('/proc/net/ip6_tables_names', 'utf8').catch(() => '')
}

/**
 * Looks for rules in the packet filter that `ip6tables` does not show here. The legacy tool makes its
 * tables by looking at them, so it is asked only for tables that the kernel has already.
 */
export function createOtherVariant(
  run: RunCommand,
  legacyTables: () => Promise<string> = readLegacyTables,
): OtherVariant {
  let known: Promise<Variant> | undefined

  function variant(): Promise<Variant> {
    known ??= run(['ip6tables', '-V'])
      .then((result) => requireSuccess(result, 'failed to ask ip6tables for its version'))
      .then(({ stdout }) => parseVariant(stdout))
    known.catch(() => {
      known = undefined
    })
    return known
  }

  async function readOther(own: Variant): Promise<string> {
    if (own === 'nft' && !/^filter$/m.test(await legacyTables())) return ''
    const tool = own === 'nft' ? 'ip6tables-legacy' : 'ip6tables-nft'
    try {
      const result = await run([tool, '-w', '5', '-S'])
      return result.exitCode === 0 ? result.stdout : ''
    } catch (cause) {
      // Where the tool was never installed nobody has used it.
      if (isReprefixError(cause, 'TOOL_MISSING')) return ''
      throw cause
    }
  }

  return {
    variant,
    findRules: async () => {
      const own = await variant()
      const rule = firstRule(await readOther(own))
      if (rule === undefined) return null
      const other = own === 'nft' ? 'legacy' : 'nft'
      return `ip6tables is iptables-${own} here, and the IPv6 filter of iptables-${other} has rules too (${rule}): packets pass both, and a drop in either is final`
    },
  }
}
