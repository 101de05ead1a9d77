import { type JsonSchema, toJsonSchemaDefs } from '@valibot/to-json-schema'
import { SCHEMA_TEXTS, type SchemaText } from './member-texts.ts'
import { NAMED_SCHEMAS, type SchemaName } from './named-schemas.ts'
import { reference, TEXT_SCHEMAS, VALUE_FORMS, type ValueName } from './value-schemas.ts'

/** Members whose text is the JSON of another schema. */
const JSON_INSIDE: ReadonlySet<string> = new Set([
  'EnrolmentReceipt',
  'ExportedEntry',
  'Receipt',
  'RotationReceipt',
])

/**
 * All schemas of the document, made from those that validate. What JSON Schema cannot say (`check`, what a
 * parser refuses) is left out, so each accepts at least what the cloud accepts; anything else that cannot be
 * said throws.
 */
export function renderSchemas(): Readonly<Record<string, JsonSchema>> {
  const made = toJsonSchemaDefs(NAMED_SCHEMAS, {
    target: 'draft-2020-12',
    typeMode: 'input',
    errorMode: 'throw',
    ignoreActions: ['check', 'finite'],
    overrideRef: ({ referenceId }) => reference(referenceId).$ref,
    overrideSchema: ({ valibotSchema }) =>
      valibotSchema.type === 'custom' ? { type: 'object' } : undefined,
  })
  const described = Object.keys(NAMED_SCHEMAS)
    .filter(isSchemaName)
    .map((name) => [name, describe(name, made[name])])
  const all: Record<string, JsonSchema> = { ...Object.fromEntries(described), ...TEXT_SCHEMAS }
  return Object.fromEntries(Object.entries(all).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

function describe(name: SchemaName, schema: JsonSchema): JsonSchema {
  if (isValueName(name)) return { ...schema, ...VALUE_FORMS[name] }
  const text: SchemaText = SCHEMA_TEXTS[name]
  const properties = { ...schema.properties }
  for (const [member, description] of Object.entries(text.members ?? {})) {
    const known = properties[member]
    if (typeof known !== 'object') throw new Error(`${name} has no member ${member}`)
    properties[member] = { ...known, description }
  }
  if (JSON_INSIDE.has(name) && typeof properties.entry === 'object') {
    const inside = { contentMediaType: 'application/json', contentSchema: reference('LogEntry') }
    properties.entry = { ...properties.entry, ...inside }
  }
  const isObject = Object.keys(properties).length > 0
  return { description: text.description, ...schema, ...(isObject && { properties }) }
}

function isSchemaName(name: string): name is SchemaName {
  return name in NAMED_SCHEMAS
}

function isValueName(name: SchemaName): name is ValueName {
  return name in VALUE_FORMS
}
