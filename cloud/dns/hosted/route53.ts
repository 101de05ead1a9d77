import type { Change as SdkChange } from '@aws-sdk/client-route-53'
import * as v from 'valibot'
import { keyOf, parseName, type RRKey } from '../../../shared/rrset.ts'
import { parsedBy } from '../../../shared/schema.ts'
import { type Capabilities, ProviderError, type Zone } from '../../domain/dns-provider.ts'
import { createHostedProvider, describeEdits, type HeldEdit } from '../hosted-provider.ts'
import { pagesOf } from '../http/pages.ts'
import type { RateRule } from '../http/request-budget.ts'
import { listFor } from '../page-or-ask.ts'
import { defineProvider, HOSTED, secretText } from '../provider-type.ts'
import { parseContent, parseKey, renderContent } from '../record-content.ts'
import { fullNames } from '../record-names.ts'
import { octalTxt } from '../txt-content.ts'
import { createRoute53Api, type Route53Request } from './route53-client.ts'

/** https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DNSLimitations.html */
const MAX_RECORDS = 1000
const MAX_CHARACTERS = 32_000
const PER_PAGE = 300
const ZONE_ID = /^Z[A-Z0-9]{1,31}$/
const caps: Capabilities = {
  ...HOSTED,
  granularity: 'rrset',
  maxBatch: MAX_RECORDS / 2,
  atomic: true,
  compareAndSet: 'exact',
  ttl: { min: 0, max: 2_147_483_647 },
  // 4000 characters with quotation marks; escapes are longer, and then the service refuses.
  txt: { maxBytes: 3500, quotes: true },
  publish: 'poll',
}
const limits: readonly RateRule[] = [{ count: 5, perMs: 1000 }]
const form = { names: fullNames('.'), txt: octalTxt }

const zones = v.object({
  HostedZones: v.array(
    v.object({
      Id: v.string(),
      Name: v.string(),
      Config: v.optional(v.object({ PrivateZone: v.optional(v.boolean(), false) })),
    }),
  ),
})
const recordSet = v.object({
  Name: v.string(),
  Type: v.string(),
  TTL: v.optional(v.number()),
  ResourceRecords: v.optional(v.array(v.object({ Value: v.string() })), []),
  AliasTarget: v.optional(v.object({ DNSName: v.string() })),
  SetIdentifier: v.optional(v.string()),
  HealthCheckId: v.optional(v.string()),
})
const recordSets = v.object({
  ResourceRecordSets: v.array(recordSet),
  IsTruncated: v.boolean(),
  NextRecordName: v.optional(v.string()),
  NextRecordType: v.optional(v.string()),
  NextRecordIdentifier: v.optional(v.string()),
})
const changeInfo = v.object({
  ChangeInfo: v.object({ Id: v.string(), Status: v.picklist(['PENDING', 'INSYNC']) }),
})

type RecordSet = v.InferOutput<typeof recordSet>
type Edit = HeldEdit<RecordSet>

export const route53 = defineProvider({
  settings: v.pipe(
    v.strictObject({
      type: v.literal('route53'),
      /** Left out with its secret, the credentials are those of the environment: on Lambda, of the role. */
      accessKeyId: v.exactOptional(
        v.pipe(v.string(), v.regex(/^\w{16,128}$/, 'is not the ID of an access key')),
      ),
      secret: v.exactOptional(secretText),
      /** All zones at this provider: then nobody need be permitted to list those of the account. */
      zoneIds: v.exactOptional(
        v.record(
          parsedBy(parseName),
          v.pipe(v.string(), v.regex(ZONE_ID, 'is not the ID of a hosted zone')),
        ),
      ),
    }),
    v.check(
      ({ accessKeyId, secret }) => (accessKeyId === undefined) === (secret === undefined),
      'needs accessKeyId and secret, or neither, to use the role that it runs under',
    ),
  ),
  title: 'Amazon Route 53',
  tier: 1,
  docs: 'https://docs.aws.amazon.com/Route53/latest/APIReference/Welcome.html',
  caps,
  limits,
  create(id, { accessKeyId, secret, zoneIds }, dependencies) {
    const key = accessKeyId && secret ? { accessKeyId, secret } : undefined
    const api = createRoute53Api(key, limits, dependencies)

    /** Starts at a name, in the order of the service: the first label counts last. */
    const listFrom = (zone: Zone, start: object, count: number) =>
      api.read({
        what: `records of ${zone.name}`,
        zone: zone.name,
        answer: recordSets,
        send: (sdk) => sdk.records({ HostedZoneId: zone.id, MaxItems: count, ...start }),
      })

    return createHostedProvider<RecordSet, Route53Request>(
      id,
      {
        caps,
        async zone(name) {
          if (zoneIds !== undefined) {
            const zoneId = zoneIds[name]
            return zoneId === undefined ? undefined : { name, id: zoneId }
          }
          const { HostedZones: found } = await api.read({
            what: `zone ${name}`,
            answer: zones,
            send: (sdk) => sdk.zones(`${name}.`),
          })
          const own = found.filter(
            ({ Name, Config }) => Name === `${name}.` && Config?.PrivateZone !== true,
          )
          if (own.length > 1) {
            throw new ProviderError(
              'invalid',
              `failed to choose zone ${name}: Route 53 has ${own.length} public zones of this name in the account, and only one of them is served`,
            )
          }
          return own[0] && { name, id: own[0].Id.replace(/^\/hostedzone\//, '') }
        },
        async held(zone, keys) {
          const ways = {
            list: () =>
              pagesOf(async (cursor) => {
                const page = await listFrom(zone, startOf(cursor), PER_PAGE)
                const { NextRecordName: name, NextRecordType: type } = page
                const next = [name, type, page.NextRecordIdentifier].join(' ').trim()
                return { items: page.ResourceRecordSets, next: page.IsTruncated ? next : undefined }
              }),
            listOne: async (_: Zone, { name, type }: RRKey) => {
              const start = { StartRecordName: `${name}.`, StartRecordType: type }
              const { ResourceRecordSets } = await listFrom(zone, start, 1)
              return ResourceRecordSets
            },
          }
          const listed = await listFor(ways, zone, keys)
          return listed.flatMap((set) => heldSet(set, zone) ?? [])
        },
        pack,
        async write(zone, edits, send) {
          const special = edits.find(({ detail }) => detail !== undefined && isSpecial(detail))
          if (special !== undefined) {
            throw new ProviderError(
              'forbidden',
              `nothing was sent for ${keyOf(special.change)}: it is an alias or has a routing policy, which would be lost; delete it at Route 53 first, or give the host another name`,
            )
          }
          await send({
            what: describeEdits(zone, edits),
            send: (sdk) =>
              sdk.change({
                HostedZoneId: zone.id,
                ChangeBatch: { Changes: edits.flatMap(changesOf) },
              }),
          })
        },
        receiptOf: (_zone, answer) => {
          const { success, output } = v.safeParse(changeInfo, answer)
          return success ? output.ChangeInfo.Id.replace(/^\/change\//, '') : undefined
        },
        async settled({ id: receipt }) {
          for (const change of receipt.split(' ')) {
            const { ChangeInfo } = await api.read({
              what: `change ${change}`,
              answer: changeInfo,
              send: (sdk) => sdk.state(change),
            })
            if (ChangeInfo.Status === 'PENDING') return 'pending'
          }
          return 'live'
        },
      },
      { api, sleep: dependencies.sleep, random: dependencies.random },
    )
  },
})

/** Name, type and, of a set with a routing policy, its identifier, in which there may be spaces. */
function startOf(cursor: string | undefined): object {
  const [name, type, ...rest] = cursor?.split(' ') ?? []
  return {
    ...(name === undefined ? {} : { StartRecordName: name, StartRecordType: type }),
    ...(rest.length === 0 ? {} : { StartRecordIdentifier: rest.join(' ') }),
  }
}

/** Several sets of one name and type, or records that AWS makes up. */
function isSpecial({ AliasTarget, SetIdentifier }: RecordSet): boolean {
  return AliasTarget !== undefined || SetIdentifier !== undefined
}

function heldSet(set: RecordSet, zone: Zone) {
  const key = parseKey(form, caps.types, { name: set.Name, type: set.Type }, zone.name)
  if (key === undefined) return undefined
  const values = isSpecial(set)
    ? [set.AliasTarget?.DNSName ?? `routing policy ${set.SetIdentifier}`]
    : set.ResourceRecords.map(({ Value }) => parseContent(form, key.type, Value))
  return {
    key,
    ttls: set.TTL === undefined ? [] : [set.TTL],
    values: [...new Set(values)].sort(),
    detail: set,
  }
}

/**
 * What was read goes and what is wanted comes. A deletion has to be exact and a creation must find
 * nothing, so the batch is refused when somebody else was faster; UPSERT would overwrite that, and
 * counts as two.
 */
function changesOf({ change, after, detail }: Edit): SdkChange[] {
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
function pack(edits: readonly Edit[]): Edit[][] {
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
