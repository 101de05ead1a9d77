import type { Change as SdkChange } from '@aws-sdk/client-route-53'
import * as v from 'valibot'
import type { HeldEdit } from '../hosted-provider.ts'
import { renderContent } from '../record-content.ts'
import { fullNames } from '../record-names.ts'
import { octalTxt } from '../txt-content.ts'

/** https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DNSLimitations.html */
export const MAX_RECORDS = 1000
const MAX_CHARACTERS = 32_000
/** How Route 53 spells names and texts. */
export const form = { names: fullNames('.'), txt: octalTxt }

/** A record set as it is listed, with all that a change of it must name again. */
export const recordSet = v.object({
  Name: v.string(),
  Type: v.string(),
  TTL: v.optional(v.number()),
  ResourceRecords: v.optional(v.array(v.object({ Value: v.string() })), []),
  AliasTarget: v.optional(v.object({ DNSName: v.string() })),
  SetIdentifier: v.optional(v.string()),
  HealthCheckId: v.optional(v.string()),
})
export type RecordSet = v.InferOutput<typeof recordSet>
type Edit = HeldEdit<RecordSet>

/** Several sets of one name and type, or records that AWS makes up. */
export function isSpecial({ AliasTarget, SetIdentifier }: RecordSet): boolean {
  return AliasTarget !== undefined || SetIdentifier !== undefined
}

/**
 * What was read goes and what is wanted comes. A deletion has to be exact and a creation must find
 * nothing, so the batch is refused when somebody else was faster; UPSERT would overwrite that, and
 * counts as two.
 */
export function changesOf({ change, after, detail }: Edit): SdkChange[] {
  const { name, type } = change
  const health = detail?.HealthCheckId
  const gone: SdkChange[] =
    detail === undefined
      ? []
      : [
          {
            Action: 'DELETE',
            ResourceRecordSet: {
              Name: detail.Name,
              Type: type,
              TTL: detail.TTL,
              ResourceRecords: detail.ResourceRecords,
              ...(health === undefined ? {} : { HealthCheckId: health }),
            },
          },
        ]
  if (after === null) return gone
  return [
    ...gone,
    {
      Action: 'CREATE',
      ResourceRecordSet: {
        Name: form.names.render(name, name),
        Type: type,
        TTL: after.ttl,
        ResourceRecords: after.values.map((one) => ({ Value: renderContent(form, type, one) })),
        ...(health === undefined ? {} : { HealthCheckId: health }),
      },
    },
  ]
}

/** Groups that fit into one request; each value counts, those that go too. */
export function pack(edits: readonly Edit[]): Edit[][] {
  const groups: Edit[][] = []
  let room = { records: 0, characters: 0 }
  for (const edit of edits) {
    const values = changesOf(edit).flatMap((one) => one.ResourceRecordSet?.ResourceRecords ?? [])
    const characters = values.reduce((sum, { Value = '' }) => sum + Value.length, 0)
    const group = groups.at(-1)
    const isFull = values.length > room.records || characters > room.characters
    const isAlone = edit.detail !== undefined && isSpecial(edit.detail)
    if (group === undefined || isFull || isAlone) {
      groups.push([edit])
      room = isAlone
        ? { records: 0, characters: 0 }
        : { records: MAX_RECORDS - values.length, characters: MAX_CHARACTERS - characters }
    } else {
      group.push(edit)
      room = { records: room.records - values.length, characters: room.characters - characters }
    }
  }
  return groups
}
