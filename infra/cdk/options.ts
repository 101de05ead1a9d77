import * as v from 'valibot'
import { ReprefixError } from '../../shared/errors.ts'
import { describeIssue, pathOf } from '../../shared/issue.ts'

const MAX_CONCURRENCY = 1000
/** https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-su-create.html */
const PREFIX = /^\/(?:[\w.-]+\/){1,14}$/
/** Keys of the toolkit itself have hyphens, colons or slashes in them. */
const OWN_KEY = /^[A-Za-z]+$/

const wholeNumber = (min: number, max: number) =>
  v.pipe(
    v.union([v.string(), v.number()]),
    v.transform(Number),
    v.integer('must be a whole number'),
    v.minValue(min, `must be at least ${min}`),
    v.maxValue(max, `must be at most ${max}`),
  )

const optionsSchema = v.strictObject({
  /** The settings of the cloud. */
  config: v.optional(v.string(), 'cloud.yaml'),
  /** `later` for the first deployment, when there is no key for the log yet. */
  start: v.optional(v.picklist(['now', 'later'], 'must be now or later'), 'now'),
  /** Names, as policies have them, that the function may write; else all of its zones. */
  names: v.optional(v.pipe(v.string(), v.transform(listOf))),
  /** What the names of parameters begin with. */
  parameters: v.optional(
    v.pipe(v.string(), v.regex(PREFIX, 'must begin and end with a slash, like /reprefix/')),
    '/reprefix/',
  ),
  /** How many requests are served at a time, and so what a flood can cost. */
  concurrency: v.optional(v.union([v.literal('none'), wholeNumber(1, MAX_CONCURRENCY)]), 5),
  /** Who is told of alarms. */
  alarmEmail: v.optional(v.pipe(v.string(), v.email('must be an e-mail address'))),
  /** Minutes between passes. */
  passMinutes: v.optional(wholeNumber(1, 1440), 5),
  /** Another text than last time makes new instances, which read changed secrets. */
  secrets: v.optional(v.pipe(v.string(), v.regex(/^[\w.:+-]{1,64}$/, 'must be a short word'))),
  /** `existing` for a table that was restored, which is not made and not changed. */
  table: v.optional(v.picklist(['new', 'existing'], 'must be new or existing'), 'new'),
})

/** The keys of `-c` that are ours. */
export const OPTION_NAMES: readonly string[] = Object.keys(optionsSchema.entries)

/** What `-c KEY=VALUE` says about a deployment. */
export type DeploymentOptions = v.InferOutput<typeof optionsSchema>

/**
 * Reads the context of the CDK. Keys that are neither ours nor in the toolkit's form are faults.
 * @throws ReprefixError CONFIG_INVALID with one line per fault
 */
export function parseOptions(context: Readonly<Record<string, unknown>>): DeploymentOptions {
  const own = Object.entries(context).filter(([key]) => OWN_KEY.test(key))
  const result = v.safeParse(optionsSchema, Object.fromEntries(own))
  if (result.success) return result.output
  const faults = result.issues.map((issue) => {
    const key = pathOf(issue)
    if (OPTION_NAMES.includes(key)) return `-c ${key}: ${describeIssue(issue)}`
    return `-c ${key}: is no option (there: ${OPTION_NAMES.join(', ')})`
  })
  throw new ReprefixError('CONFIG_INVALID', faults.join('\n'))
}

function listOf(text: string): readonly string[] {
  return text.split(',').map((one) => one.trim())
}
