// Table types of the IoT edge family, created by migrations/0004-iot-edge.ts.
// oxlint-disable-next-line typescript/no-empty-object-type
export interface IotEdgeTables {}
