// Faults of the Link IoT Edge family: HTTP 200 with Success false (contract: iot-edge §10).
// The codes marked "inferred" are ours: the vendor's page breaks off inside the instance section. When the real names
// become known, give the entry a `code` and nothing else changes.
import { faultEntries } from './entry.ts'

export const iotEdgeFaults = faultEntries({
  'iot.system.InstanceNotFound': {
    status: 200,
    message: 'There is no service instance {IotInstanceId}.',
    advice: 'Leave IotInstanceId out: this installation serves one partition.',
  },
  'iot.common.InvalidParam': { status: 200, message: '{Detail}', advice: 'Correct the field the message names.' },
  'iot.common.InvalidPageParams': {
    status: 200,
    message: 'CurrentPage and PageSize must be whole numbers.',
    advice: 'Send decimal digits.',
  },
  'iot.common.AuthActionPermissionDeny': {
    status: 200,
    message: 'The resource belongs to another account.',
    advice: 'Use the access key of the account that owns the resource.',
  },
  'iot.common.ParameterSizeLimit': { status: 200, message: '{Detail}', advice: 'Send less, or in several calls.' },

  'iot.edge.InstanceNotExist': { status: 200, message: 'The edge instance does not exist.', advice: 'List them with QueryEdgeInstance.' },
  'iot.edge.InstanceNameExist': { status: 200, message: 'An edge instance of this name exists.', advice: 'Choose another name.' },
  'iot.edge.InstanceNumLimitation': {
    status: 200,
    message: 'The account has as many edge instances as it may.',
    advice: 'Delete one first.',
  },
  'iot.edge.InstanceAlreadyBindGateway': {
    status: 200,
    message: 'The edge instance, or the gateway, is bound already.',
    advice: 'A gateway is in one instance at most, and an instance has one gateway.',
  },
  'iot.edge.InstanceIsRunning': {
    status: 200,
    message: 'The edge instance has a deployment that is not finished, or its newest one was not reset.',
    advice: 'Follow the deployment with GetEdgeInstanceDeployment; before the gateway or the instance goes, run one of type reset.',
  },
  'iot.edge.InstanceHasDevice': {
    status: 200,
    message: 'The edge instance has devices.',
    advice: 'Take them out with BatchUnbindDeviceFromEdgeInstance.',
  },
  'iot.edge.InstanceHasDriver': {
    status: 200,
    message: 'The edge instance has drivers.',
    advice: 'Take them out with UnbindDriverFromEdgeInstance.',
  },
  'iot.edge.InstanceDeviceLimitation': {
    status: 200,
    message: 'The edge instance has as many devices as it may.',
    advice: 'Unbind some first.',
  },
  'iot.edge.InstanceHasNoGateway': {
    status: 200,
    message: 'The edge instance has no gateway.',
    advice: 'Bind one with BindGatewayToEdgeInstance.',
  },
  'iot.edge.InstanceDriverLimitation': {
    status: 200,
    message: 'The edge instance has as many drivers as it may.',
    advice: 'Unbind one first.',
  },
  'iot.edge.InstanceHasSameNameDriver': {
    status: 200,
    message: 'Another driver of the same name is assigned to the edge instance.',
    advice: 'Unbind the other driver first.',
  },

  // inferred, all of this section
  'iot.edge.DriverNotExist': { status: 200, message: 'The driver does not exist.', advice: 'List them with QueryEdgeDriver.' },
  'iot.edge.DriverNameExist': { status: 200, message: 'A driver of this name exists.', advice: 'Choose another name.' },
  'iot.edge.DriverNumLimitation': { status: 200, message: 'The account has as many drivers as it may.', advice: 'Delete one first.' },
  'iot.edge.DriverHasReleasedVersion': {
    status: 200,
    message: 'The driver has a released version and cannot be deleted.',
    advice: 'A driver stays once one of its versions is released.',
  },
  'iot.edge.DriverVersionNotExist': {
    status: 200,
    message: 'The driver has no such version.',
    advice: 'List them with QueryEdgeDriverVersion.',
  },
  'iot.edge.DriverVersionExist': { status: 200, message: 'The driver has this version already.', advice: 'Choose another version number.' },
  'iot.edge.DriverVersionNumLimitation': {
    status: 200,
    message: 'The driver has as many versions as it may.',
    advice: 'Delete an unreleased one.',
  },
  'iot.edge.DriverVersionReleased': {
    status: 200,
    message: 'The driver version is released and can neither change nor go.',
    advice: 'Create another version.',
  },
  'iot.edge.DriverVersionNotReleased': {
    status: 200,
    message: 'The driver version is not released.',
    advice: 'Release it with ReleaseEdgeDriverVersion.',
  },
  'iot.edge.DriverVersionNoSource': {
    status: 200,
    message: 'The driver version has no usable code: {Detail}',
    advice: 'Upload a zip with CreateEdgeOssPreSignedAddress and put its OssAddress into SourceConfig.',
  },
  'iot.edge.InstanceDriverNotExist': {
    status: 200,
    message: 'The driver is not assigned to the edge instance.',
    advice: 'Assign it with BindDriverToEdgeInstance.',
  },
  'iot.edge.InstanceDeviceNotExist': {
    status: 200,
    message: 'The device {IotId} is not in the edge instance, or not with this driver.',
    advice: 'Bind it with BatchBindDeviceToEdgeInstanceWithDriver.',
  },
  'iot.edge.DeviceAlreadyBound': {
    status: 200,
    message: 'The device {IotId} is in an edge instance.',
    advice: 'Take it out there with BatchUnbindDeviceFromEdgeInstance; a gateway goes with its instance.',
  },
  'iot.edge.ChannelNotExist': {
    status: 200,
    message: 'The driver has no such channel in the edge instance.',
    advice: 'List them with QueryEdgeInstanceChannel.',
  },
  'iot.edge.ChannelNameExist': {
    status: 200,
    message: 'The edge instance has a channel of this name.',
    advice: 'Choose another name.',
  },
  'iot.edge.MessageRoutingNotExist': {
    status: 200,
    message: 'The edge instance has no such message route.',
    advice: 'List them with QueryEdgeInstanceMessageRouting.',
  },
  'iot.edge.MessageRoutingNumLimitation': {
    status: 200,
    message: 'The edge instance has as many message routes as it may.',
    advice: 'Delete one first.',
  },
  'iot.edge.ApplicationNotExist': {
    status: 200,
    message: 'There is no such edge application.',
    advice: 'Check ApplicationId: up to 64 letters, digits, underscores and hyphens.',
  },
  'iot.edge.DeploymentNotExist': {
    status: 200,
    message: 'The edge instance has no such deployment.',
    advice: 'Check DeploymentId and InstanceId.',
  },
  'iot.edge.DriverConfigRequired': {
    status: 200,
    message: 'The driver {DriverName} needs a configuration before it is deployed.',
    advice: 'Set it with SetEdgeInstanceDriverConfigs.',
  },
  'iot.edge.DeviceConfigRequired': {
    status: 200,
    message: 'A device of the driver {DriverName} needs a configuration before it is deployed.',
    advice: 'Set the configuration of each device of the driver.',
  },
  'iot.edge.EdgeVersionUnsupported': {
    status: 200,
    message: 'The driver {DriverName} needs edge version {Needed} or later; the gateway has {Actual}.',
    advice: 'Update the gateway, or assign a driver version for older ones.',
  },
  'iot.edge.InstanceDisabled': { status: 200, message: 'The edge instance is disabled.', advice: 'Enable it before deploying.' },

  'iot.rule.NotFoundRule': {
    status: 200,
    message: 'There is no such scene rule.',
    advice: 'Check RuleId: up to 64 letters, digits, underscores and hyphens.',
  },
  'iot.ruleng.InvalidRamRole': {
    status: 200,
    message: 'RoleArn is not the resource name of a role.',
    advice: 'Send acs:ram::<account id>:role/<role name>.',
  },

  'iot.prod.AlreadyExistedProductName': { status: 200, message: 'A product of this name exists.', advice: 'Choose another name.' },
  'iot.prod.NotExistedProduct': { status: 200, message: 'The product does not exist.', advice: 'Create it with CreateProduct.' },
  // inferred
  'iot.prod.ProductHasDevice': { status: 200, message: 'The product has devices.', advice: 'Delete them with DeleteDevice first.' },
  'iot.prod.InvalidFormattedProductName': {
    status: 200,
    message: 'ProductName must be 4 to 30 characters: letters, digits, Chinese characters (2 each), _ - @ ( ).',
    advice: 'Choose another name.',
  },
  'iot.prod.LongProductDesc': { status: 200, message: 'Description is longer than 100 characters.', advice: 'Shorten it.' },
  'iot.device.AlreadyExistedDeviceName': { status: 200, message: 'The product has a device of this name.', advice: 'Choose another name.' },
  'iot.device.InvalidFormattedDeviceName': {
    status: 200,
    message: 'DeviceName must be 4 to 32 characters: letters, digits, - _ @ . :',
    advice: 'Choose another name.',
  },
  // inferred, all three: what stands between a call and its device
  'iot.device.DeviceOffline': {
    status: 200,
    message: 'The device cannot be called: {Detail}.',
    advice: 'See with GetDeviceStatus whether it is online; its driver has to run and to have brought it online.',
  },
  'iot.device.CallTimeout': {
    status: 200,
    message: 'The device did not answer in time.',
    advice: 'It may have done what was asked. Look at its state before calling again.',
  },
  'iot.device.CallFailed': {
    status: 200,
    message: 'The driver of the device refused or failed: {Detail}.',
    advice: 'Check the service and its arguments; the log of the driver says more.',
  },
  'iot.device.NotExistedDevice': { status: 200, message: 'The device does not exist.', advice: 'Register it with RegisterDevice.' },
})
