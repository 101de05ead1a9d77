import { isReprefixError } from '../../shared/errors.ts'
import { type Fqdn, isAtOrBelow, parseName } from '../../shared/rrset.ts'

/** How a service spells the names of a zone's records. */
export interface NameForm {
  render(name: Fqdn, zone: Fqdn): string
  /** Undefined for a name that no record of ours can have. */
  parse(text: string, zone: Fqdn): Fqdn | undefined
}

/** `www` for www.example.org, and `apex` for the zone itself. */
export function relativeNames(apex: '@' | ''): NameForm {
  return {
    render: (name, zone) => (name === zone ? apex : name.slice(0, -zone.length - 1)),
    parse: (text, zone) => (text === apex ? zone : parseOwner(`${text}.${zone}`, zone)),
  }
}

/** `www.example.org`, followed by `dot`. */
export function fullNames(dot: '' | '.'): NameForm {
  return {
    render: (name) => `${name}${dot}`,
    parse: parseOwner,
  }
}

/** Some services escape what is no letter, in octal like Route 53 or in decimal like a zone file. */
function parseOwner(text: string, zone: Fqdn): Fqdn | undefined {
  const name = parsedName(text.replace(/^\\(?:052|042)\./, '*.'))
  return name !== undefined && isAtOrBelow(name, zone) ? name : undefined
}

function parsedName(text: string): Fqdn | undefined {
  try {
    return parseName(text)
  } catch (error) {
    // Others may keep records there whose names are no host names; they are none of our business.
    if (isReprefixError(error, 'NAME_INVALID')) return undefined
    throw error
  }
}

/**
 * The zones that may hold a name, nearest first: cut at label boundaries only, and never a
 * top-level domain, which no customer has.
 */
export function zoneCandidates(name: Fqdn): readonly Fqdn[] {
  const labels = name.split('.').filter((label) => label !== '*')
  return labels
    .map((_, index) => labels.slice(index).join('.'))
    .slice(0, Math.max(labels.length - 1, 1))
    .map((candidate) => parseName(candidate))
}
