import { contains, type Prefix } from '../../shared/ipv6.ts'
import type { ClientAddress } from './client-address.ts'

/**
 * What speaks against a report that came from `source`, or `undefined` when it came from one of the
 * prefixes it reports: whoever completes a TCP connection from there can receive there.
 */
export function sourceFault(
  source: ClientAddress | undefined,
  prefixes: readonly Prefix[],
): string | undefined {
  if (source === undefined) return 'nobody vouches for the address that the report came from'
  const { family, address } = source
  if (family === 6 && prefixes.some((prefix) => contains(prefix, address))) return undefined
  return `the report came from ${address}, which is outside the reported ${prefixes.join(', ')}`
}
