import { networkOf, type Prefix, parseAddress, splice } from '../../../shared/ipv6.ts'
import type { Fqdn } from '../../../shared/rrset.ts'
import type { Edit } from '../../domain/dns-diff.ts'
import type { Change } from '../../domain/dns-provider.ts'

type HostEdit = Edit & { readonly change: Change }

/** The half of an address that a host keeps wherever it is (RFC 4291 §2.5.1). */
const IDENTIFIER_BITS = 64
/**
 * The names of one request, each with its comma. Some servers take 4 KiB of a request with all its
 * headers, in which they count the query twice.
 */
const MAX_NAMES_LENGTH = 1200
const COMMA_LENGTH = '%2C'.length

/**
 * The prefix to which an edit moves the one IPv6 address of a host, which keeps its interface
 * identifier; undefined for every other edit.
 */
export function prefixOfMove({ change, before, after }: HostEdit): Prefix | undefined {
  const [from, to] = [before?.values ?? [], after?.values ?? []]
  const [old, fresh] = [from[0], to[0]]
  if (change.type !== 'AAAA' || from.length !== 1 || to.length !== 1) return undefined
  if (old === undefined || fresh === undefined) return undefined
  const prefix = networkOf(parseAddress(fresh), IDENTIFIER_BITS)
  return splice(prefix, parseAddress(old)) === fresh ? prefix : undefined
}

/**
 * Parts the edits of hosts into those that one request can move together, and those of the others.
 * A host that moves alone, or changes in any other way, is one of the others.
 */
export function groupMoves<E extends HostEdit>(
  hosts: readonly (readonly E[])[],
): { readonly moves: readonly (readonly E[])[]; readonly others: readonly (readonly E[])[] } {
  const byPrefix = new Map<Prefix, E[]>()
  const others: (readonly E[])[] = []
  for (const edits of hosts) {
    const [first] = edits
    const prefix = first === undefined || edits.length > 1 ? undefined : prefixOfMove(first)
    if (first === undefined || prefix === undefined) others.push(edits)
    else byPrefix.set(prefix, [...(byPrefix.get(prefix) ?? []), first])
  }
  const groups = [...byPrefix.values()].flatMap(chunksOf)
  return {
    moves: groups.filter((group) => group.length > 1),
    others: [...others, ...groups.filter((group) => group.length === 1)],
  }
}

function chunksOf<E extends { readonly change: { readonly name: Fqdn } }>(
  edits: readonly E[],
): readonly (readonly E[])[] {
  const chunks: E[][] = []
  let room = 0
  for (const edit of edits) {
    const length = edit.change.name.length + COMMA_LENGTH
    const chunk = chunks.at(-1)
    if (chunk === undefined || length > room) {
      chunks.push([edit])
      room = MAX_NAMES_LENGTH - length
    } else {
      chunk.push(edit)
      room -= length
    }
  }
  return chunks
}
