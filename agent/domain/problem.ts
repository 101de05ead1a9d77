/** What kind of problem; stable, as operators filter by it. */
export type ProblemCode =
  | 'NETWORK_MISSING'
  | 'NETWORK_UNSUITABLE'
  | 'SUBNET_INVALID'
  | 'SUBNET_OVERLAP'
  | 'UPLINK_UNKNOWN'
  | 'DELEGATION_LENGTH'
  | 'CONTAINER_MISSING'
  | 'CONTAINER_WITHOUT_NETWORK'
  | 'CONTAINER_WITHOUT_IPV6'
  | 'INTERFACE_MISSING'
  | 'ADDRESS_INVALID'
  | 'ADDRESS_TAKEN'
  | 'NAME_INVALID'
  | 'TOO_MANY_CLAIMS'
  | 'CLAIM_HELD'
  | 'PORT_INVALID'
  | 'PROXY_CONFIG_INVALID'
  | 'PROXY_SETTING_READONLY'
  | 'FIREWALL_MIXED'
  | 'FIREWALL_CONTESTED'
  | 'UNFILTERED'
  | 'DOCKER_FIREWALL'
  | 'GATEWAY_MODE'
  | 'GATEWAY_UNNAMED'
  | 'SETTLE_REFUSED'
  | 'SETTLE_FAILED'

/**
 * Something that a pass leaves out and goes on without: one network, one container or one name. What
 * the operator's settings file says wrongly is refused as a whole when it is read; what arrives later
 * by labels must not keep the rest of the host from being renumbered.
 */
export interface Problem {
  readonly code: ProblemCode
  /** The object and the setting, such as `network web, label reprefix.subnet`. */
  readonly where: string
  readonly what: string
  readonly remedy: string
}

/** The outcome of reading something that may be left out: a value, or why it is not usable. */
export type Admitted<T> = { readonly value: T } | { readonly fault: string }
