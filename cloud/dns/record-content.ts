import { isReprefixError } from '../../shared/errors.ts'
import { canonicalValues, type Fqdn, type RRKey, type RRType } from '../../shared/rrset.ts'
import type { NameForm } from './record-names.ts'
import type { TxtForm } from './txt-content.ts'

/** How one service spells names and values. */
export interface RecordForm {
  readonly names: NameForm
  readonly txt: TxtForm
}

/** The key of a record that a service lists; undefined for what reprefix does not keep. */
export function parseKey(
  { names }: RecordForm,
  types: readonly RRType[],
  record: { readonly name: string; readonly type: string },
  zone: Fqdn,
): RRKey | undefined {
  const type = types.find((known) => known === record.type)
  const name = type === undefined ? undefined : names.parse(record.name, zone)
  return type === undefined || name === undefined ? undefined : { name, type }
}

/** The canonical value of a content; the content itself when it is no address. */
export function parseContent({ txt }: RecordForm, type: RRType, content: string): string {
  if (type === 'TXT') return txt.parse(content)
  try {
    return canonicalValues(type, [content])[0] ?? content
  } catch (error) {
    // Never equal to what is wanted, so it is replaced.
    if (isReprefixError(error, 'ADDRESS_INVALID')) return content
    throw error
  }
}

/** A canonical value as the service wants it. */
export function renderContent({ txt }: RecordForm, type: RRType, value: string): string {
  return type === 'TXT' ? txt.render(value) : value
}
