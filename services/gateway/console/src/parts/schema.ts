// What of JSON Schema pydantic makes for patterns.

export type Schema = {
  $ref?: string;
  $defs?: Record<string, Schema>;
  type?: string | string[];
  title?: string;
  description?: string;
  enum?: unknown[];
  const?: unknown;
  anyOf?: Schema[];
  allOf?: Schema[];
  properties?: Record<string, Schema>;
  additionalProperties?: boolean | Schema;
  required?: string[];
  items?: Schema;
  default?: unknown;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  minLength?: number;
  maxLength?: number;
  format?: string;
};

/** The schema itself, where it is a reference, or one that may be null. */
export function resolved(schema: Schema | undefined, root: Schema | undefined, depth = 0): Schema {
  if (!schema || depth > 10) return {};
  if (schema.$ref) {
    const { $ref, ...beside } = schema;
    return { ...resolved(root?.$defs?.[$ref.replace("#/$defs/", "")], root, depth + 1), ...beside };
  }
  const several = (schema.anyOf ?? schema.allOf)?.filter((one) => one.type !== "null");
  if (several?.length === 1) {
    const { anyOf, allOf, ...beside } = schema;
    return { ...resolved(several[0], root, depth + 1), ...beside };
  }
  return schema;
}

/** The members of an object; of an array its items as `*`. */
export function properties(schema: Schema | undefined, root: Schema | undefined): Record<string, Schema> {
  const whole = resolved(schema, root);
  return whole.items ? { "*": whole.items } : (whole.properties ?? {});
}
