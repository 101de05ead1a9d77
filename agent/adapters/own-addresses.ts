import { networkInterfaces } from 'node:os'
import { type Address, contains, type Prefix, parseAddress } from '../../shared/ipv6.ts'

/**
 * The host's own addresses inside a prefix on one interface. One that is tentative still is among
 * them: whoever wants to connect from it finds that it cannot be bound yet.
 */
export function readOwnAddresses(
  interfaceName: string,
  prefix: Prefix,
  interfaces: ReturnType<typeof networkInterfaces> = networkInterfaces(),
): readonly Address[] {
  return (interfaces[interfaceName] ?? [])
    .filter(({ family }) => family === 'IPv6')
    .map(({ address }) => parseAddress(address.replace(/%.*$/, '')))
    .filter((address) => contains(prefix, address))
}
