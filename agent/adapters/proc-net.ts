import { type Address, addressFromBits, networkOf, type Prefix } from '../../shared/ipv6.ts'
import type { AddressState } from '../domain/model.ts'

// Flags of an address, as the kernel's if_addr.h numbers them.
const TEMPORARY = 0x01
const DAD_FAILED = 0x08
const DEPRECATED = 0x20
const TENTATIVE = 0x40
const PERMANENT = 0x80
// Scope of link-local addresses in if_inet6.
const LINK_SCOPE = '20'

const FOREVER = { validSeconds: null } as const

/** What the file does not say of an address. */
export type KnownState = Pick<AddressState, 'validSeconds' | 'isLearnt'>

/** An address of a namespace, and the interface it is on. */
export interface NamedAddress {
  readonly interface: string
  readonly state: AddressState
}

const ADDRESS = /^[0-9a-f]{32}$/
const NUMBER = /^[0-9a-f]{1,8}$/

/** Untrusted text: what the kernel does not write is undefined. */
function readHex(text: string | undefined): Address | undefined {
  return ADDRESS.test(text ?? '') ? addressFromBits(BigInt(`0x${text}`)) : undefined
}

function readLength(text: string | undefined): number | undefined {
  const length = NUMBER.test(text ?? '') ? Number.parseInt(text ?? '', 16) : undefined
  return length === undefined || length > 128 ? undefined : length
}

/**
 * Reads the non-link-local addresses of /proc/PID/net/if_inet6. The file has no lifetimes, so it
 * answers only for addresses that last forever, and for deprecated ones of which the rest is known from
 * elsewhere: `null` when any other is there, or one that cannot be read.
 */
export function parseKnownAddresses(
  text: string,
  knownOf: (address: Address) => KnownState | undefined = () => undefined,
): readonly NamedAddress[] | null {
  const rows = text.split('\n').map((line) => line.trim().split(/\s+/))
  const found: NamedAddress[] = []
  for (const [hex, , length, scope, flagText, name] of rows) {
    if (hex?.length !== 32 || name === undefined || scope === LINK_SCOPE) continue
    const [address, bits] = [readHex(hex), readLength(length)]
    if (address === undefined || bits === undefined) return null
    const flags = Number.parseInt(flagText ?? '', 16)
    const isPermanent = (flags & PERMANENT) !== 0
    const isDeprecated = (flags & DEPRECATED) !== 0
    const known = isDeprecated ? knownOf(address) : isPermanent ? FOREVER : undefined
    if (known === undefined) return null
    found.push({
      interface: name,
      state: {
        address,
        length: bits,
        preferredSeconds: isDeprecated ? 0 : null,
        ...known,
        isTemporary: (flags & TEMPORARY) !== 0,
        isDeprecated,
        isTentative: (flags & TENTATIVE) !== 0,
        isDadFailed: (flags & DAD_FAILED) !== 0,
        isDynamic: !isPermanent,
      },
    })
  }
  return found
}

/** The subnets that /proc/net/ipv6_route leads to an interface by routes longer than the default. */
export function subnetsRoutedTo(routes: string, interfaceName: string): readonly Prefix[] {
  return routes.split('\n').flatMap((line) => {
    if (!line.endsWith(` ${interfaceName}`)) return []
    const [hex, length] = line.split(' ')
    const [address, bits] = [readHex(hex), readLength(length)]
    return address === undefined || !bits ? [] : [networkOf(address, bits)]
  })
}
