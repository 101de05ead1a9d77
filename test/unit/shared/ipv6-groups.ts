import fc from 'fast-check'

/** Addresses with many zero groups, where text forms go wrong. */
export const groups = fc.array(
  fc.oneof(fc.constant(0), fc.constant(0xffff), fc.integer({ min: 0, max: 0xffff })),
  { minLength: 8, maxLength: 8 },
)
