import * as v from 'valibot'
import {
  hostPolicySchema,
  policyChangeSchema,
  wholePolicySchema,
} from '../../cloud/domain/host-policy.ts'
import { exportedEntrySchema } from '../../cloud/log/export-line.ts'
import {
  checkedRRsetSchema,
  checkViewSchema,
  plannedChangeSchema,
  planViewSchema,
} from '../../cloud/web/dns-view.ts'
import { additionSchema } from '../../cloud/web/host-routes.ts'
import { hostsViewSchema, hostViewSchema, invitationViewSchema } from '../../cloud/web/host-view.ts'
import {
  clientViewSchema,
  healthViewSchema,
  readyViewSchema,
} from '../../cloud/web/service-view.ts'
import { entrySchema, recordOutcomeSchema } from '../../shared/entry.ts'
import { publicJwkSchema } from '../../shared/jwk.ts'
import { enrolmentHeaderSchema, reportHeaderSchema, tokenHeaderSchema } from '../../shared/jws.ts'
import { problemSchema } from '../../shared/problem.ts'
import {
  enrolmentReceiptSchema,
  pendingSchema,
  receiptSchema,
  rotationReceiptSchema,
} from '../../shared/receipt.ts'
import { reportSchema } from '../../shared/report.ts'
import {
  rotationHeaderSchema,
  successionSchema,
  successorHeaderSchema,
} from '../../shared/rotation.ts'
import {
  addressValueSchema,
  digestSchema,
  hashSchema,
  hostSchema,
  nameSchema,
  prefixSchema,
  timestampSchema,
} from '../../shared/schema.ts'
import type { ValueName } from './value-schemas.ts'

/** The schemas that validate, by the name that the document gives them. */
export const NAMED_SCHEMAS = {
  Address: addressValueSchema,
  CheckedRRset: checkedRRsetSchema,
  Client: clientViewSchema,
  Digest: digestSchema,
  DnsCheck: checkViewSchema,
  DnsPlan: planViewSchema,
  DomainName: nameSchema,
  // What the parsers of both headers check besides is the key.
  EnrolmentHeader: v.strictObject({ ...enrolmentHeaderSchema.entries, jwk: publicJwkSchema }),
  EnrolmentReceipt: enrolmentReceiptSchema,
  ExportedEntry: exportedEntrySchema,
  Hash: hashSchema,
  Health: healthViewSchema,
  Host: hostViewSchema,
  HostAddition: additionSchema,
  HostName: hostSchema,
  HostPolicy: hostPolicySchema,
  Hosts: hostsViewSchema,
  Invitation: invitationViewSchema,
  LogEntry: entrySchema,
  Pending: pendingSchema,
  PlannedChange: plannedChangeSchema,
  PolicyChange: policyChangeSchema,
  Prefix: prefixSchema,
  Problem: problemSchema,
  PublicJwk: publicJwkSchema,
  Ready: readyViewSchema,
  Receipt: receiptSchema,
  RecordOutcome: recordOutcomeSchema,
  Report: reportSchema,
  ReportHeader: reportHeaderSchema,
  RotationHeader: rotationHeaderSchema,
  RotationReceipt: rotationReceiptSchema,
  Succession: successionSchema,
  SuccessorHeader: v.strictObject({ ...successorHeaderSchema.entries, jwk: publicJwkSchema }),
  Timestamp: timestampSchema,
  TokenHeader: tokenHeaderSchema,
  WholePolicy: wholePolicySchema,
} satisfies Readonly<Record<string, v.GenericSchema>>

/** The name of one of them. */
export type SchemaName = keyof typeof NAMED_SCHEMAS
/** The name of one that is no plain string. */
export type DescribedName = Exclude<SchemaName, ValueName>
