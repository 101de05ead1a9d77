/**
 * Stable codes of everything that can go wrong. Codes are API: they appear in `--json` output, in
 * problem documents and in the log, are documented, and are never renamed.
 */
export type ErrorCode =
  // values
  | 'ADDRESS_INVALID'
  | 'PREFIX_INVALID'
  | 'SUFFIX_INVALID'
  | 'SUFFIX_OUTSIDE_PREFIX'
  | 'NAME_INVALID'
  | 'VALUE_INVALID'
  | 'HOST_NAME_INVALID'
  | 'BASE64_INVALID'
  | 'URL_INVALID'
  // the wire and the log
  | 'REPORT_INVALID'
  | 'KEY_INVALID'
  | 'JWS_MALFORMED'
  | 'JWS_SIGNATURE'
  | 'JOIN_INVALID'
  | 'TREE_INVALID'
  | 'CHECKPOINT_INVALID'
  | 'PROOF_INVALID'
  | 'ENTRY_INVALID'
  | 'RECEIPT_INVALID'
  // settings and files
  | 'CONFIG_INVALID'
  | 'SECRET_UNREADABLE'
  | 'DISK_FULL'
  | 'FILE_WRITE_FAILED'
  | 'FILE_READ_FAILED'
  // DNS providers
  | 'DNS_PROVIDER'
  | 'DNS_LOOKUP'
  // the cloud's store and log
  | 'STORE_CONFLICT'
  | 'STORE_BUSY'
  | 'STORE_FULL'
  | 'STORE_FAILED'
  | 'STORE_LIMIT'
  | 'STORE_TOO_NEW'
  | 'STORE_TOO_OLD'
  | 'LOG_MISSING_ROW'
  | 'LOG_CONTENDED'
  | 'LOG_ALTERED'
  | 'LOG_KEY_MISMATCH'
  | 'LISTEN_FAILED'
  // what the cloud answers
  | 'BODY_TOO_LARGE'
  | 'CONTENT_TYPE'
  | 'REQUEST_INVALID'
  | 'NOT_FOUND'
  | 'UNAUTHORIZED'
  | 'INTERNAL'
  | 'NOT_READY'
  | 'KEY_UNKNOWN'
  | 'KEY_REVOKED'
  | 'HOST_MISMATCH'
  | 'HOST_EXISTS'
  | 'HOST_UNKNOWN'
  | 'URL_MISMATCH'
  | 'USE_NONCE'
  | 'SEQUENCE_STALE'
  | 'SEQUENCE_REUSED'
  | 'SEQUENCE_TOO_FAR'
  | 'POLICY_PREFIX'
  | 'POLICY_NAME'
  | 'POLICY_TYPE'
  | 'POLICY_VALUE'
  | 'POLICY_DELETIONS'
  | 'NAME_OUTSIDE_ZONES'
  | 'NAME_OWNED'
  | 'SOURCE_MISMATCH'
  | 'RATE_LIMITED'
  | 'TOKEN_INVALID'
  | 'TOKEN_EXPIRED'
  | 'TOKEN_USED'
  // the operator's commands
  | 'USAGE'
  | 'CLOUD_UNREACHABLE'
  | 'CLOUD_REFUSED'
  // the agent's host
  | 'TOOL_MISSING'
  | 'COMMAND_FAILED'
  | 'COMMAND_TIMEOUT'
  | 'NETLINK_FAILED'
  | 'DOCKER_UNREACHABLE'
  | 'DOCKER_REFUSED'
  | 'NDPPD_FAILED'
  | 'FIREWALL_REJECTED'
  | 'FIREWALL_MIXED'
  | 'STATE_CORRUPT'
  | 'IP_OUTPUT_INVALID'
  | 'NDPPD_CONFIG_INVALID'
  | 'ALREADY_RUNNING'
  | 'ENROLMENT_REFUSED'
  | 'ROTATION_REFUSED'
  // the demo and the lab
  | 'LAB_FAILED'
  | 'LAB_TIMEOUT'

/** A fault with a stable code. The message says what, which object, and what to do next. */
export class ReprefixError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.name = 'ReprefixError'
    this.code = code
  }
}

/** True for a fault of ours, optionally of one code. */
export function isReprefixError(error: unknown, code?: ErrorCode): error is ReprefixError {
  return error instanceof ReprefixError && (code === undefined || error.code === code)
}

/** The message of anything that was thrown, for use inside another message. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Untrusted text as it may stand in a message: quoted, control characters escaped, shortened. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)
}
