// What Docker takes to make a network or an endpoint, in its own spelling: these values are read from
// it, kept in the journal of a settle and sent back. Types and not interfaces, as they are JSON.

/** One address pool of a network. */
export type PoolRecipe = {
  readonly Subnet: string
  readonly IPRange?: string
  readonly Gateway?: string
  readonly AuxiliaryAddresses?: Readonly<Record<string, string>>
}

/** Everything that makes a network what it is; `POST /networks/create` takes it. */
export type NetworkRecipe = {
  readonly Name: string
  /** Docker before 25 makes a second network of the same name without it. */
  readonly CheckDuplicate: true
  readonly Driver: string
  readonly Internal: boolean
  readonly Attachable: boolean
  /** Absent where the daemon does not know networks without IPv4. */
  readonly EnableIPv4?: boolean
  readonly EnableIPv6: boolean
  readonly IPAM: {
    readonly Driver: string
    /** Absent and empty are not the same to whoever compares networks. */
    readonly Options?: Readonly<Record<string, string>>
    readonly Config: PoolRecipe[]
  }
  readonly Options: Readonly<Record<string, string>>
  readonly Labels: Readonly<Record<string, string>>
}

/** A container's place on a network; `POST /networks/NAME/connect` takes it. */
export type EndpointRecipe = {
  readonly IPAMConfig?: {
    readonly IPv4Address?: string
    readonly IPv6Address?: string
    readonly LinkLocalIPs?: string[]
  }
  readonly Aliases?: string[]
  readonly Links?: string[]
  readonly MacAddress?: string
  readonly DriverOpts?: Readonly<Record<string, string>>
  readonly GwPriority?: number
}
