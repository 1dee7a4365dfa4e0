"""A shop's one template: a function in a network, an Aurora cluster, an endpoint; and a way out beside it."""

SHOP = """\
Resources:
  Net:
    Type: AWS::EC2::VPC
    Properties: {CidrBlock: 172.20.0.0/16, EnableDnsHostnames: true, EnableDnsSupport: true}
  Inner1:
    Type: AWS::EC2::Subnet
    Properties: {VpcId: !Ref Net, CidrBlock: 172.20.1.0/24, AvailabilityZone: !Select [0, !GetAZs '']}
  Inner2:
    Type: AWS::EC2::Subnet
    Properties: {VpcId: !Ref Net, CidrBlock: 172.20.2.0/24, AvailabilityZone: !Select [1, !GetAZs '']}
  Table: {Type: 'AWS::EC2::RouteTable', Properties: {VpcId: !Ref Net}}
  In1:
    Type: AWS::EC2::SubnetRouteTableAssociation
    Properties: {SubnetId: !Ref Inner1, RouteTableId: !Ref Table}
  In2:
    Type: AWS::EC2::SubnetRouteTableAssociation
    Properties: {SubnetId: !Ref Inner2, RouteTableId: !Ref Table}
  WebGroup: {Type: 'AWS::EC2::SecurityGroup', Properties: {VpcId: !Ref Net, GroupDescription: web}}
  DbGroup:
    Type: AWS::EC2::SecurityGroup
    Properties:
      VpcId: !Ref Net
      GroupDescription: db
      SecurityGroupIngress:
      - {IpProtocol: tcp, FromPort: '3306', ToPort: '3306', SourceSecurityGroupId: !GetAtt WebGroup.GroupId}
  EndGroup:
    Type: AWS::EC2::SecurityGroup
    Properties:
      VpcId: !Ref Net
      GroupDescription: endpoints
      SecurityGroupIngress:
      - {IpProtocol: tcp, FromPort: 443, ToPort: 443, CidrIp: !GetAtt Net.CidrBlock}
  Subnets: {Type: 'AWS::RDS::DBSubnetGroup', Properties: {SubnetIds: [!Ref Inner1, !Ref Inner2]}}
  Db:
    Type: AWS::RDS::DBCluster
    Properties:
      Engine: aurora-mysql
      DBSubnetGroupName: !Ref Subnets
      VpcSecurityGroupIds: [!GetAtt DbGroup.GroupId]
  QueuesEnd:
    Type: AWS::EC2::VPCEndpoint
    Properties:
      VpcId: !Ref Net
      ServiceName: !Sub com.amazonaws.${AWS::Region}.sqs
      VpcEndpointType: Interface
      PrivateDnsEnabled: true
      SubnetIds: [!Ref Inner1, !Ref Inner2]
      SecurityGroupIds: [!GetAtt EndGroup.GroupId]
      PolicyDocument:
        Statement:
        - Effect: Allow
          Principal: '*'
          Action: 'sqs:Send*'
          Resource: '*'
          Condition: {StringEquals: {'aws:PrincipalAccount': !Ref AWS::AccountId}}
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: 'sts:AssumeRole'}]
      Policies:
      - PolicyName: send
        PolicyDocument:
          Statement:
          - {Effect: Allow, Action: 'sqs:SendMessage', Resource: !GetAtt Orders.Arn}
  Orders: {Type: 'AWS::SQS::Queue'}
  Web:
    Type: AWS::Lambda::Function
    Properties:
      Role: !GetAtt Role.Arn
      VpcConfig: {SubnetIds: [!Ref Inner1, !Ref Inner2], SecurityGroupIds: [!GetAtt WebGroup.GroupId]}
      Environment: {Variables: {DB_HOST: !GetAtt Db.Endpoint.Address, DB_PORT: !GetAtt Db.Endpoint.Port}}
"""
OUTWARD = """
  Outer:
    Type: AWS::EC2::Subnet
    Properties: {VpcId: !Ref Net, CidrBlock: 172.20.9.0/24, AvailabilityZone: !Select [0, !GetAZs '']}
  OuterTable: {Type: 'AWS::EC2::RouteTable', Properties: {VpcId: !Ref Net}}
  OuterIn:
    Type: AWS::EC2::SubnetRouteTableAssociation
    Properties: {SubnetId: !Ref Outer, RouteTableId: !Ref OuterTable}
  World: {Type: 'AWS::EC2::InternetGateway'}
  Bound:
    Type: AWS::EC2::VPCGatewayAttachment
    Properties: {VpcId: !Ref Net, InternetGatewayId: !Ref World}
  Away:
    Type: AWS::EC2::Route
    DependsOn: Bound
    Properties: {RouteTableId: !Ref OuterTable, DestinationCidrBlock: 0.0.0.0/0, GatewayId: !Ref World}
  Address: {Type: 'AWS::EC2::EIP', DependsOn: Bound, Properties: {Domain: vpc}}
  Nat:
    Type: AWS::EC2::NatGateway
    Properties: {SubnetId: !Ref Outer, AllocationId: !GetAtt Address.AllocationId}
  ByNat:
    Type: AWS::EC2::Route
    Properties: {RouteTableId: !Ref Table, DestinationCidrBlock: 0.0.0.0/0, NatGatewayId: !Ref Nat}
"""
