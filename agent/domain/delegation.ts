import { messageOf } from '../../shared/errors.ts'
import { contains, lengthOf, type Prefix, parsePrefix } from '../../shared/ipv6.ts'
import type { Delegation, Instant, UplinkIntent } from './model.ts'
import type { PrefixRules, Sighting } from './prefix-sighting.ts'
import type { Admitted, Problem } from './problem.ts'

/** More lines than this are no list of delegations. */
const MAX_DELEGATIONS = 32

const LINE = /^(\S+)(?:\s+preferred\s+(\S+)\s+valid\s+(\S+))?$/
const SECONDS = /^\d{1,10}$/
/** How a lifetime without an end is written; all one bits on the wire (RFC 8415 §7.7). */
const FOREVER = new Set(['infinity', 'forever', '4294967295'])

/**
 * Reads delegated prefixes from text: one a line, `PREFIX` or `PREFIX preferred SECONDS valid SECONDS`,
 * with `#` before comments. The whole text is refused for one line that is wrong, and when it names no
 * prefix: half a list would look as if the rest had been withdrawn.
 */
export function parseDelegations(text: string): Admitted<readonly Delegation[]> {
  const found = new Map<Prefix, Delegation>()
  for (const [index, line] of text.split('\n').entries()) {
    const content = line.replace(/#.*/, '').trim()
    if (content === '') continue
    const read = readLine(content)
    if ('fault' in read) return { fault: `line ${index + 1}: ${read.fault}` }
    const { prefix } = read.value
    if (found.has(prefix)) return { fault: `line ${index + 1}: ${prefix} is named twice` }
    if (found.size === MAX_DELEGATIONS) return { fault: `more than ${MAX_DELEGATIONS} prefixes` }
    found.set(prefix, read.value)
  }
  return found.size === 0 ? { fault: 'it names no prefix' } : { value: [...found.values()] }
}

function readLine(line: string): Admitted<Delegation> {
  const [, name, preferred, valid] = LINE.exec(line) ?? []
  if (name === undefined) {
    return { fault: 'write PREFIX, or PREFIX preferred SECONDS valid SECONDS' }
  }
  const [preferredSeconds, validSeconds] = [preferred, valid].map(readSeconds)
  if (preferredSeconds === undefined || validSeconds === undefined) {
    return { fault: 'a lifetime is a number of seconds, or infinity' }
  }
  // RFC 8415 §21.22: such an option is ignored; here somebody has mixed them up.
  if ((preferredSeconds ?? Number.MAX_VALUE) > (validSeconds ?? Number.MAX_VALUE)) {
    return { fault: 'the preferred lifetime is longer than the valid one' }
  }
  try {
    return { value: { prefix: parsePrefix(name), preferredSeconds, validSeconds } }
  } catch (error) {
    return { fault: messageOf(error) }
  }
}

/** `null` is forever, also where nothing is said; `undefined` is no lifetime. */
function readSeconds(text: string | undefined): number | null | undefined {
  if (text === undefined || FOREVER.has(text)) return null
  return SECONDS.test(text) ? Number(text) : undefined
}

/** What is left of delegations some time after they were written; those that have ended are gone. */
export function aged(delegations: readonly Delegation[], elapsedMs: number): readonly Delegation[] {
  // A clock that was set back since then makes nothing younger than it was.
  const seconds = Math.max(0, Math.round(elapsedMs / 1000))
  const left = (lifetime: number | null) => lifetime && Math.max(0, lifetime - seconds)
  return delegations
    .map(({ prefix, preferredSeconds, validSeconds }) => ({
      prefix,
      preferredSeconds: left(preferredSeconds),
      validSeconds: left(validSeconds),
    }))
    .filter(({ validSeconds }) => validSeconds !== 0)
}

/** What delegations say of each prefix of the configured length inside `within`. */
export function sightDelegations(
  delegations: readonly Delegation[],
  { within, prefixLength }: PrefixRules,
  now: Instant,
): ReadonlyMap<Prefix, Sighting> {
  const until = (seconds: number | null) => (seconds === null ? null : now + seconds * 1000)
  return new Map(
    delegations
      .filter(({ prefix }) => lengthOf(prefix) === prefixLength)
      .filter(({ prefix, validSeconds }) => {
        return validSeconds !== 0 && within.some((range) => contains(range, prefix))
      })
      .map(({ prefix, preferredSeconds, validSeconds }): [Prefix, Sighting] => [
        prefix,
        {
          isDynamic: true,
          isEligible: preferredSeconds !== 0,
          isDeprecated: preferredSeconds === 0,
          preferredUntil: until(preferredSeconds),
          validUntil: until(validSeconds),
        },
      ]),
  )
}

/**
 * Delegations inside `within` of another length than the settings say. They are not cut or stretched:
 * where the subnets lie is written down below a prefix of one length.
 */
export function misfits(
  delegations: readonly Delegation[],
  { uplink, within, prefixLength }: UplinkIntent,
): readonly Problem[] {
  return delegations
    .filter(({ prefix }) => lengthOf(prefix) !== prefixLength)
    .filter(({ prefix }) => within.some((range) => contains(range, prefix)))
    .map(({ prefix }) => ({
      code: 'DELEGATION_LENGTH',
      where: `uplink ${uplink}, prefix.length`,
      what: `${prefix} is delegated, and the settings say a length of ${prefixLength}`,
      remedy: remedyFor(lengthOf(prefix)),
    }))
}

function remedyFor(length: number): string {
  return length >= 48 && length <= 64
    ? `write prefix.length: ${length}, and all subnets and addresses below a /${length}`
    : 'ask the router for a prefix of 48 to 64 bits (the prefix hint of the DHCPv6 client)'
}
