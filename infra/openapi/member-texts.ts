import type { DescribedName } from './named-schemas.ts'

/** What a person has to know of a schema and of its members; those whose name says it have none. */
export interface SchemaText {
  readonly description: string
  readonly members?: Readonly<Record<string, string>>
}

const POLICY = {
  names: 'Names that may be claimed; `*.x` is every name below `x`, and not `x`.',
  types: 'Record types that may be claimed.',
  prefixes: 'Ranges that a reported prefix must lie in.',
  shortestPrefix: 'The smallest prefix length a report may carry.',
  maxDeletions: 'How many RRsets one report may withdraw.',
  sourceCheck: 'Whether a report must come from inside the prefix it reports.',
  reportsPerHour: 'How many reports the key may bring in an hour.',
  shared: 'Names, among `names`, that other hosts may claim too.',
  values: 'Ranges beside the reported prefix that values may lie in.',
  minTtl: 'Seconds.',
  maxTtl: 'Seconds.',
}

const PROVEN = {
  entry: 'The log entry, verbatim: its UTF-8 bytes are the leaf.',
  proof: 'C2SP tlog-proof of the entry.',
  consistency: 'Proof that the log continues the one that was seen before (RFC 6962 §2.1.2).',
}

const HEADER = {
  kid: 'Thumbprint of the key that signs.',
  url: 'Where it is posted to: the public URL of the cloud and the path.',
  iat: 'When it was signed, in Unix seconds.',
  nonce: 'Only when the cloud has asked for it.',
}

/** Those of every schema that is no plain string. */
export const SCHEMA_TEXTS: Readonly<Record<DescribedName, SchemaText>> = {
  CheckedRRset: {
    description: 'An RRset as every authoritative name server of its zone serves it.',
    members: { wanted: 'What it shall be; null for absent.', answers: 'What each server serves.' },
  },
  Client: {
    description: 'The client as the cloud sees it: how an agent learns its public IPv4 address.',
  },
  DnsCheck: { description: 'What every authoritative name server serves, by zone.' },
  DnsPlan: { description: 'What the next flush would change, by zone.' },
  EnrolmentHeader: {
    description: 'Protected header.',
    members: { url: HEADER.url, iat: HEADER.iat },
  },
  EnrolmentReceipt: { description: 'The proof of an enrolment.', members: PROVEN },
  ExportedEntry: {
    description: 'One entry of the log.',
    members: {
      entry: 'Verbatim, as it was hashed.',
      leaf: 'Its leaf hash, as the log keeps it.',
      tree: 'Digest of the tree hashes that the log keeps with it.',
    },
  },
  Health: { description: 'The process answers.' },
  Host: {
    description: 'A host, what it may claim, and what it claims.',
    members: { claim: 'RRsets of its last accepted report.', lastReport: 'The last one accepted.' },
  },
  HostAddition: { description: 'A host to add.' },
  HostPolicy: {
    description: 'What a host may claim, with what applies where nothing is said.',
    members: POLICY,
  },
  Hosts: { description: 'All hosts.' },
  Invitation: {
    description: 'A host that may enrol now.',
    members: { join: 'The join string. It holds a secret, and exists nowhere else.' },
  },
  LogEntry: { description: 'An entry of the audit log, by `kind`; see docs/spec/audit-log.md.' },
  Pending: { description: 'Logged; DNS is not finished. The same bytes again get the outcome.' },
  PlannedChange: {
    description: 'What a flush would do to one RRset at one provider.',
    members: {
      found: 'What the provider has; null for absent.',
      wanted: 'What it shall have; null for absent.',
      fault: 'Why the action is `unknown`.',
    },
  },
  PolicyChange: {
    description: 'The members that are given replace those of the policy.',
    members: POLICY,
  },
  Problem: {
    description: 'A refusal or a fault (RFC 9457). Programs go by `code`, which is never renamed.',
    members: {
      nonce: 'With `USE_NONCE`: sign again, with this in the header.',
      seq: 'With `SEQUENCE_…`: the last sequence that the key has used.',
      index: 'Where the policy denied a report: its entry in the log.',
      retryAfterSeconds: 'With `RATE_LIMITED`: the same bytes are accepted after this long.',
    },
  },
  PublicJwk: { description: 'An Ed25519 public key (RFC 8037), these members and no other.' },
  Ready: { description: 'Reports can be taken.' },
  Receipt: { description: 'The proof of what a report came to.', members: PROVEN },
  RecordOutcome: {
    description: 'What became of one RRset at one provider.',
    members: { values: 'Those asked for; empty for a deletion.' },
  },
  Report: {
    description: 'What an agent reports. Strict JSON; see docs/spec/wire.md.',
    members: {
      seq: 'Above the last one of this key.',
      records:
        'The complete claim of the host: what it claimed before and does not name here is withdrawn.',
      steps: 'What the agent did.',
      log: 'The last checkpoint that the agent has verified.',
      agent: 'Version of the agent.',
    },
  },
  ReportHeader: { description: 'Protected header.', members: HEADER },
  RotationHeader: { description: 'Protected header.', members: HEADER },
  RotationReceipt: { description: 'The proof of a rotation.', members: PROVEN },
  Succession: {
    description: 'Whom a new key follows.',
    members: {
      kid: 'The key that is replaced.',
      log: 'The last checkpoint that the host has verified.',
    },
  },
  SuccessorHeader: { description: 'Protected header.', members: { url: HEADER.url } },
  TokenHeader: {
    description: 'Protected header.',
    members: { kid: 'Identifier of the token.', url: HEADER.url },
  },
  WholePolicy: { description: 'What a host may claim.', members: POLICY },
}
